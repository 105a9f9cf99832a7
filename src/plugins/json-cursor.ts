import { scaleDigits } from '../formats/index.js';

export const quote = 0x22;
export const space = 0x20;
export const colon = 0x3a;
export const comma = 0x2c;
export const minus = 0x2d;
export const openList = 0x5b;
export const closeList = 0x5d;
export const openObject = 0x7b;
export const closeObject = 0x7d;

const powersOfTen = Float64Array.from({ length: 10 }, (_, exponent) => 10 ** exponent);

/** A place in a body of JSON, and what the readers that are made for bodies of one form have in common. */
export class JsonCursor {
  protected at = 0;

  constructor(protected readonly bytes: Buffer) {}

  /** The byte at hand, white space skipped; -1 at the end. */
  protected next(): number {
    const { bytes } = this;
    while (this.at < bytes.length) {
      const byte = bytes[this.at]!;
      if (byte > space || (byte !== space && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return byte;
      this.at++;
    }
    return -1;
  }

  /** A text without escapes, of printable ASCII; `undefined` for any other. */
  protected readText(): string | undefined {
    const { bytes } = this;
    const from = this.at + 1;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === quote) {
        this.at = at + 1;
        return bytes.toString('latin1', from, at);
      }
      if (byte < space || byte > 0x7e || byte === 0x5c) return undefined;
    }
    return undefined;
  }

  /**
   * A number of JSON's grammar, exactly as `Number()` reads it; NaN when there is none. Up to nine digits it is one
   * division of two exact numbers.
   */
  protected readNumber(): number {
    const { bytes } = this;
    let at = this.at;
    // Characters as how far they are from the digit 0: -3 is a minus, -2 a point, 0x15 and 0x35 an E.
    let digit = bytes[at]! - 0x30;
    const negative = digit === -3;
    if (negative) digit = bytes[++at]! - 0x30;
    const first = at;
    let digits = 0;
    while (digit >= 0 && digit <= 9) {
      digits = (digits * 10 + digit) | 0;
      digit = bytes[++at]! - 0x30;
    }
    const whole = at - first;
    let decimals = 0;
    if (digit === -2) {
      digit = bytes[++at]! - 0x30;
      while (digit >= 0 && digit <= 9) {
        digits = (digits * 10 + digit) | 0;
        digit = bytes[++at]! - 0x30;
      }
      decimals = at - first - whole - 1;
    }
    if (whole === 0 || whole + decimals > 9 || (digit | 0x20) === 0x35) return this.readLongNumber();
    if ((whole > 1 && bytes[first] === 0x30) || (decimals === 0 && at > first + whole)) return Number.NaN;
    this.at = at;
    const value = decimals === 0 ? digits : digits / powersOfTen[decimals]!;
    return negative ? -value : value;
  }

  private readLongNumber(): number {
    const { bytes } = this;
    const from = this.at;
    let at = from;
    const negative = bytes[at] === minus;
    if (negative) at++;
    const first = at;
    // The first fifteen digits that count, which are an exact number, and those behind them.
    let head = 0;
    let tail = 0;
    let counted = 0;
    let behind = -1;
    for (; ; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit >= 0 && digit <= 9) {
        if (counted < 15) {
          head = head * 10 + digit;
          if (head !== 0) counted++;
        } else {
          tail = tail * 10 + digit;
          counted++;
        }
      } else if (digit === -2 && behind < 0) behind = at + 1;
      else break;
    }
    const whole = (behind < 0 ? at : behind - 1) - first;
    if (whole === 0 || (whole > 1 && bytes[first] === 0x30) || behind === at) return Number.NaN;
    const decimals = behind < 0 ? 0 : at - behind;
    let value = scaleDigits(head, tail, counted, -decimals);
    if ((bytes[at]! | 0x20) === 0x65) {
      at++;
      if (bytes[at] === minus || bytes[at] === 0x2b) at++;
      const start = at;
      while (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++;
      if (at === start) return Number.NaN;
      value = Number.NaN;
    }
    this.at = at;
    if (Number.isNaN(value)) return Number(bytes.toString('latin1', from, at));
    return negative ? -value : value;
  }
}
