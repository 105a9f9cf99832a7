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

/** The place behind the number that `scanDecimal` read last. */
let scanned = 0;

/**
 * The number between `from` and `to`, where it is plain (no spaces, at most 18 digits that count, a small exponent)
 * and can be told from its digits for certain; NaN otherwise, and then `parseDecimal` tells. Never another number than
 * `Number()` gives: up to 15 digits and powers of ten up to 22 are exact doubles, so that one operation rounds once
 * (Clinger, 1990); longer ones are computed in two doubles, and given when the error cannot reach the next rounding.
 */
export function parsePlainDecimal(bytes: Uint8Array, from: number, to: number): number {
  const value = scanDecimal(bytes, from, to);
  return scanned === to ? value : Number.NaN;
}

/**
 * Reads as many plain numbers as there are `offsets`, with a comma between two, into those places of `into` behind
 * `base`. Gives the place behind the last one; -1 where something else stands in between.
 */
export function scanDecimals(
  bytes: Uint8Array,
  from: number,
  into: Float64Array | Float32Array,
  base: number,
  offsets: Int32Array,
): number {
  const { length } = bytes;
  let at = from;
  for (let i = 0; i < offsets.length; i++) {
    if (i > 0 && bytes[at++] !== 0x2c) return -1;
    const value = scanDecimal(bytes, at, length);
    // NaN is none.
    if (value - value !== 0) return -1;
    into[base + offsets[i]!] = value;
    at = scanned;
  }
  return at;
}

/**
 * The plain number that begins at `from`, as `parsePlainDecimal` reads it; `scanned` tells where it ends. Digits are
 * taken nine at a time, which needs no double; the point may stand among the first or among the second. Characters are
 * compared by how far they are from the digit 0: -3 is a minus, -5 a plus, -2 a point, 0x35 an e.
 */
function scanDecimal(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  let digit = at < to ? bytes[at]! - 0x30 : -1;
  const negative = digit === -3;
  if (negative || digit === -5) digit = ++at < to ? bytes[at]! - 0x30 : -1;
  const start = at;
  let head = 0;
  let tail = 0;
  let counted = 0;
  let pointAt = -1;
  for (;;) {
    while (digit >>> 0 <= 9 && counted < 9) {
      head = (head * 10 + digit) | 0;
      if (head !== 0) counted++;
      digit = ++at < to ? bytes[at]! - 0x30 : -1;
    }
    while (digit >>> 0 <= 9 && counted < 18) {
      tail = (tail * 10 + digit) | 0;
      counted++;
      digit = ++at < to ? bytes[at]! - 0x30 : -1;
    }
    if (digit !== -2 || pointAt >= 0) break;
    pointAt = at;
    digit = ++at < to ? bytes[at]! - 0x30 : -1;
  }
  scanned = at;
  // More digits than can be told, or none at all.
  if (digit >>> 0 <= 9 || at - start - (pointAt < 0 ? 0 : 1) === 0) return Number.NaN;
  let exponent = pointAt < 0 ? 0 : pointAt + 1 - at;
  if ((digit | 0x20) === 0x35) {
    const written = readExponent(bytes, at, to);
    // NaN as well.
    if (!(Math.abs(written) < 400)) return Number.NaN;
    exponent += written;
  }
  const value =
    counted <= 9
      ? scaleExactly(head, exponent)
      : counted <= 15
        ? scaleExactly(head * powers[counted - 9]! + tail, exponent)
        : scaleLong(head, tail, counted - 9, exponent);
  return negative ? -value : value;
}

/**
 * `(head · 10^(counted − 15) + tail) · 10^exponent`, where `head` is the first 15 digits that count and `tail` the up to
 * four behind them; NaN where that cannot be told for certain.
 */
export function scaleDigits(head: number, tail: number, counted: number, exponent: number): number {
  if (counted <= exactDigits) return scaleExactly(head, exponent);
  return counted <= mostDigits ? scaleLong(head, tail, counted - exactDigits, exponent) : Number.NaN;
}

function readExponent(bytes: Uint8Array, from: number, to: number): number {
  let at = from + 1;
  const sign = bytes[at];
  if (sign === 0x2d || sign === 0x2b) at++;
  const start = at;
  let exponent = 0;
  for (; at < to && at < start + 4; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    exponent = exponent * 10 + digit;
  }
  scanned = at;
  if (at === start) return Number.NaN;
  return sign === 0x2d ? -exponent : exponent;
}

function scaleExactly(digits: number, exponent: number): number {
  if (exponent === 0 || digits === 0) return digits;
  if (exponent < 0) return exponent >= -22 ? digits / powers[-exponent]! : Number.NaN;
  return exponent <= 22 ? digits * powers[exponent]! : Number.NaN;
}

/** `(head · 10^tailDigits + tail) · 10^exponent`, for no positive exponent. */
function scaleLong(head: number, tail: number, tailDigits: number, exponent: number): number {
  if (exponent > 0 || exponent < -22) return Number.NaN;
  const shift = powers[tailDigits]!;
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
