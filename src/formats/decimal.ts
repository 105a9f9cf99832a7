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
/** Digits of an integer that needs no double. */
const partDigits = 9;
/** Digits that a double holds whatever they are. */
const exactDigits = 15;
const mostDigits = 19;

/** The place behind the number that `scanDecimal` read last. */
let scanned = 0;

/** Where the number ended that `scanDecimal` read last. */
export function scannedTo(): number {
  return scanned;
}

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

/** The plain number that begins at `from`, as `parsePlainDecimal` reads it; `scannedTo` tells where it ends. */
export function scanDecimal(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  let byte = bytes[at];
  const negative = byte === 0x2d;
  if (negative || byte === 0x2b) at++;
  const start = at;
  let head = 0;
  let tail = 0;
  let counted = 0;
  let pointAt = -1;
  for (; at < to; at++) {
    byte = bytes[at]!;
    const digit = byte - 0x30;
    if (digit >= 0 && digit <= 9) {
      if (counted < partDigits) {
        head = head * 10 + digit;
        if (head !== 0) counted++;
      } else if (counted < 2 * partDigits) {
        tail = tail * 10 + digit;
        counted++;
      } else {
        scanned = at;
        return Number.NaN;
      }
    } else if (byte === 0x2e && pointAt < 0) pointAt = at;
    else break;
  }
  scanned = at;
  let exponent = pointAt < 0 ? 0 : pointAt + 1 - at;
  // No digit at all: nothing, or only a point.
  if (at - start - (pointAt < 0 ? 0 : 1) === 0) return Number.NaN;
  if (at < to && (byte! | 0x20) === 0x65) {
    const written = readExponent(bytes, at, to);
    // NaN as well.
    if (!(Math.abs(written) < 400)) return Number.NaN;
    exponent += written;
  }
  const value =
    counted <= partDigits
      ? scaleExactly(head, exponent)
      : counted <= exactDigits
        ? scaleExactly(head * powers[counted - partDigits]! + tail, exponent)
        : scaleLong(head, tail, counted - partDigits, exponent);
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
