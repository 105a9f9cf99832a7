import { fives, leastExponent, mostExponent, powers } from './memory';

/** The number that begins at `from`, of more digits, or further from one, than is read here. */
declare function readLongNumber(from: usize): f64;

/** Behind the number read last. */
export let numberEnd: usize = 0;

/** Ten to this is exact, and numbers up to 2^53 are. */
const exactExponent: i32 = 22;
const mostExact: u64 = 1 << 53;
/** Digits of the largest number that 64 bits hold for certain. */
const mostDigits: i32 = 19;

let power: f64 = 1;
for (let i = 0; i <= exactExponent; i++) {
  store<f64>(powers + (i << 3), power);
  power *= 10;
}
for (let exponent = leastExponent; exponent <= mostExponent; exponent++) {
  if (exponent < 0) writeReciprocal(exponent);
  else writePower(exponent);
}

/** 5^exponent, moved to the left until the highest of its 128 bits is set: high half, low half. */
function writePower(exponent: i32): void {
  let high: u64 = 0;
  let low: u64 = 1;
  for (let i = 0; i < exponent; i++) {
    high = high * 5 + highProduct(low, 5);
    low *= 5;
  }
  while (high >> 63 === 0) {
    high = (high << 1) | (low >> 63);
    low <<= 1;
  }
  store<u64>(fives + ((exponent - leastExponent) << 4), high);
  store<u64>(fives + ((exponent - leastExponent) << 4), low, 8);
}

/** The 128 highest bits of 1 / 5^-exponent, rounded up. */
function writeReciprocal(exponent: i32): void {
  let divisor: u64 = 1;
  for (let i = exponent; i < 0; i++) divisor *= 5;
  // 2^(bits + 127) in long division, where 2^bits is the first power of two that is not below the divisor.
  const bits = 64 - <i32>clz<u64>(divisor - 1);
  let rest: u64 = 1;
  let high: u64 = 0;
  let low: u64 = 0;
  for (let i = 0; i < bits + 127; i++) {
    rest <<= 1;
    high = (high << 1) | (low >> 63);
    low <<= 1;
    if (rest >= divisor) {
      rest -= divisor;
      low |= 1;
    }
  }
  low++;
  if (low === 0) high++;
  store<u64>(fives + ((exponent - leastExponent) << 4), high);
  store<u64>(fives + ((exponent - leastExponent) << 4), low, 8);
}

/** A number of JSON's grammar, exactly as `Number()` reads it; NaN when there is none at `from`. */
export function readNumber(from: usize): f64 {
  let to = from;
  // Characters as how far they are from the digit 0: -3 is a minus, -5 a plus, -2 a point, 0x15 and 0x35 an E.
  let digit = <i32>load<u8>(to) - 0x30;
  const negative = digit === -3;
  if (negative) digit = <i32>load<u8>(++to) - 0x30;
  const first = to;
  let digits: u64 = 0;
  while (<u32>digit <= 9) {
    digits = digits * 10 + digit;
    digit = <i32>load<u8>(++to) - 0x30;
  }
  const whole = <i32>(to - first);
  if (whole === 0 || (whole > 1 && load<u8>(first) === 0x30)) return Number.NaN;
  let count = whole;
  if (digit === -2) {
    digit = <i32>load<u8>(++to) - 0x30;
    while (<u32>digit <= 9) {
      digits = digits * 10 + digit;
      digit = <i32>load<u8>(++to) - 0x30;
    }
    count = <i32>(to - first) - 1;
    if (count === whole) return Number.NaN;
  }
  let exponent = whole - count;
  if ((digit | 0x20) === 0x35) {
    digit = <i32>load<u8>(++to) - 0x30;
    const down = digit === -3;
    if (down || digit === -5) digit = <i32>load<u8>(++to) - 0x30;
    if (<u32>digit > 9) return Number.NaN;
    let given = 0;
    while (<u32>digit <= 9) {
      if (given < 10000) given = given * 10 + digit;
      digit = <i32>load<u8>(++to) - 0x30;
    }
    exponent += down ? -given : given;
  }
  numberEnd = to;
  if (count > mostDigits && count - zerosAt(first) > mostDigits) return readLongNumber(from);
  const value = scale(digits, exponent);
  if (Number.isNaN(value)) return readLongNumber(from);
  return negative ? -value : value;
}

/** How many zeros a number begins with, a point among them or not. */
function zerosAt(from: usize): i32 {
  let zeros = 0;
  for (let at = from; load<u8>(at) === 0x30 || load<u8>(at) === 0x2e; at++) if (load<u8>(at) === 0x30) zeros++;
  return zeros;
}

/** digits · 10^exponent, rounded once; NaN for exponents that are not in the tables. */
function scale(digits: u64, exponent: i32): f64 {
  if (digits <= mostExact && exponent >= -exactExponent && exponent <= exactExponent) {
    const exact = <f64>(<i64>digits);
    const power = load<f64>(powers + (abs(exponent) << 3));
    return exponent < 0 ? exact / power : exact * power;
  }
  if (digits === 0) return 0;
  return exponent >= leastExponent && exponent <= mostExponent ? round(digits, exponent) : Number.NaN;
}

/**
 * As the 53 highest bits of `digits` times a power of five of 128 bits, which are enough to tell.
 *
 * Source: D. Lemire, Number Parsing at a Gigabyte per Second (2021), section 5; N. Mushtak and D. Lemire, Fast Number
 * Parsing Without Fallback (2023), for why no case is left; the implementation is fast_float's `compute_float`.
 */
function round(digits: u64, exponent: i32): f64 {
  const zeros = <i32>clz<u64>(digits);
  const shifted = digits << zeros;
  const five = fives + ((exponent - leastExponent) << 4);
  let low = shifted * load<u64>(five);
  let high = highProduct(shifted, load<u64>(five));
  if ((high & 0x1ff) === 0x1ff) {
    const more = highProduct(shifted, load<u64>(five, 8));
    low += more;
    if (more > low) high++;
  }
  const upper = <i32>(high >> 63);
  let mantissa = high >> (upper + 9);
  // 217706 / 2^16 is the logarithm of ten to the base two.
  let binary = ((exponent * 217706) >> 16) + 63 + upper - zeros + 1023;
  const isHalf = low <= 1 && exponent >= -4 && exponent <= 23 && mantissa << (upper + 9) === high;
  if (isHalf && (mantissa & 3) === 1) mantissa--;
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >= 1 << 53) {
    mantissa = 1 << 52;
    binary++;
  }
  return reinterpret<f64>((mantissa & ((1 << 52) - 1)) | ((<u64>binary) << 52));
}

/** The higher 64 bits of a product. */
function highProduct(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  return aHigh * bHigh + (middle >> 32) + ((aLow * bHigh + (middle & 0xffffffff)) >> 32);
}
