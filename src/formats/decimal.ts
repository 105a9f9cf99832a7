/** Decimal notation, with spaces around it as people type them: what Python's `float()` takes, but for its words. */
const decimal = /^[ \t]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t]*$/;

/**
 * The number that `text` writes in decimal notation; nothing when it is anything else. Words (`nan`, `inf`), other
 * bases, separators of thousands and a comma as the decimal point are none of it, nor is what no double can hold.
 */
export function parseDecimal(text: string): number | undefined {
  if (!decimal.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const powers = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Digits that a double holds whatever they are. */
const exactDigits = 15;
const mostDigits = 19;

/**
 * The number between `from` and `to`, where it is plain (no spaces, at most 19 digits that count, a small exponent)
 * and can be told from its digits for certain; NaN otherwise, and then `parseDecimal` tells. Never another number than
 * `Number()` gives: up to 15 digits and powers of ten up to 22 are exact doubles, so that one operation rounds once
 * (Clinger, 1990); longer ones are computed in two doubles, and given when the error cannot reach the next rounding.
 */
export function parsePlainDecimal(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  const sign = bytes[at];
  if (sign === 0x2d || sign === 0x2b) at++;
  let head = 0;
  let tail = 0;
  let counted = 0;
  let exponent = 0;
  let met = 0;
  let point = false;
  for (; at < to; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit >= 0 && digit <= 9) {
      met++;
      if (counted < exactDigits) {
        head = head * 10 + digit;
        if (head !== 0) counted++;
      } else {
        if (counted === mostDigits) return Number.NaN;
        tail = tail * 10 + digit;
        counted++;
      }
      if (point) exponent--;
    } else if (digit === -2 && !point) point = true;
    else break;
  }
  if (met === 0) return Number.NaN;
  if (at < to) {
    const written = readExponent(bytes, at, to);
    // NaN as well.
    if (!(Math.abs(written) < 400)) return Number.NaN;
    exponent += written;
  }
  const value = scaleDigits(head, tail, counted, exponent);
  return sign === 0x2d ? -value : value;
}

/**
 * `(head · 10^(counted − 15) + tail) · 10^exponent`, where `head` is the first 15 digits that count and `tail` the up to
 * four behind them; NaN where that cannot be told for certain.
 */
export function scaleDigits(head: number, tail: number, counted: number, exponent: number): number {
  if (counted <= exactDigits) return scaleExactly(head, exponent);
  return counted <= mostDigits ? scaleLong(head, tail, counted, exponent) : Number.NaN;
}

function readExponent(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  if ((bytes[at]! | 0x20) !== 0x65) return Number.NaN;
  at++;
  const sign = bytes[at];
  if (sign === 0x2d || sign === 0x2b) at++;
  if (at >= to || to - at > 3) return Number.NaN;
  let exponent = 0;
  for (; at < to; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    exponent = exponent * 10 + digit;
  }
  return sign === 0x2d ? -exponent : exponent;
}

function scaleExactly(digits: number, exponent: number): number {
  if (digits === 0) return 0;
  if (exponent === 0) return digits;
  if (exponent < 0) return exponent >= -22 ? digits / powers[-exponent]! : Number.NaN;
  return exponent <= 22 ? digits * powers[exponent]! : Number.NaN;
}

/** For no positive exponent. */
function scaleLong(head: number, tail: number, counted: number, exponent: number): number {
  if (exponent > 0 || exponent < -22) return Number.NaN;
  const shift = powers[counted - exactDigits]!;
  const high = head * shift;
  const low = productError(head, shift, high) + tail;
  if (exponent === 0) return high + low;
  const divisor = powers[-exponent]!;
  const quotient = (high + low) / divisor;
  const product = quotient * divisor;
  const rest = high - product - productError(quotient, divisor, product) + low;
  const correction = rest / divisor;
  // The error of quotient + correction is some 2^-104 of it.
  const error = quotient * 2 ** -98;
  const value = quotient + (correction - error);
  return value === quotient + (correction + error) ? value : Number.NaN;
}

/** What `product`, the rounded `a · b`, lacks (Dekker, 1971). */
function productError(a: number, b: number, product: number): number {
  const splitA = 134217729 * a;
  const highA = splitA - (splitA - a);
  const lowA = a - highA;
  const splitB = 134217729 * b;
  const highB = splitB - (splitB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}
