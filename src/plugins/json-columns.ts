/**
 * A reader for bodies that are columns keyed by row, `{"id": 7, "value": {"0": 36.6, "1": 82}}` (pandas' `to_dict()`):
 * it gives each column as a list, in one pass over the bytes, for less than `JSON.parse` and the search for duplicate
 * keys cost together. What is not exactly of that form it leaves to them.
 */

const quote = 0x22;
const space = 0x20;

/** Distinct texts remembered while a body is read: columns repeat theirs. A power of two. */
const slots = 256;

/**
 * The object that `bytes` hold, every dictionary whose keys are `"0"`, `"1"`, … in order given as a list. `undefined`
 * when they hold anything else: a key twice, keys in another order, nesting, escapes, letters beyond ASCII, or no JSON.
 */
export function parseColumns(bytes: Buffer): Record<string, unknown> | undefined {
  const reader = new ColumnReader(bytes);
  return reader.readObject();
}

class ColumnReader {
  private at = 0;
  private readonly starts = new Int32Array(slots).fill(-1);
  private readonly texts: string[] = [];

  constructor(private readonly bytes: Buffer) {}

  readObject(): Record<string, unknown> | undefined {
    const fields: Record<string, unknown> = Object.create(null);
    if (this.next() !== 0x7b) return undefined;
    this.at++;
    for (;;) {
      if (this.next() !== quote) return undefined;
      const name = this.readText();
      if (name === undefined || name in fields || this.next() !== 0x3a) return undefined;
      this.at++;
      const value = this.next() === 0x7b ? this.readColumn() : this.readScalar();
      if (value === undefined) return undefined;
      fields[name] = value;
      const separator = this.next();
      this.at++;
      if (separator === 0x2c) continue;
      return separator === 0x7d && this.next() === -1 ? fields : undefined;
    }
  }

  private readColumn(): unknown[] | undefined {
    const column: unknown[] = [];
    this.at++;
    for (;;) {
      if (this.next() !== quote || !this.skipKey(column.length) || this.next() !== 0x3a) return undefined;
      this.at++;
      this.next();
      const value = this.readScalar();
      if (value === undefined) return undefined;
      column.push(value);
      const separator = this.next();
      this.at++;
      if (separator === 0x7d) return column;
      if (separator !== 0x2c) return undefined;
    }
  }

  /** The byte at hand, white space skipped; -1 at the end. */
  private next(): number {
    const { bytes } = this;
    while (this.at < bytes.length) {
      const byte = bytes[this.at]!;
      if (byte > space || (byte !== space && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return byte;
      this.at++;
    }
    return -1;
  }

  /** Passes the key of row `row`, which stands at hand; false when another does. */
  private skipKey(row: number): boolean {
    const { bytes } = this;
    let at = this.at + 1;
    const from = at;
    let value = 0;
    for (; at < bytes.length; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.at = at + 1;
    return bytes[at] === quote && value === row && (at - from === 1 || (at > from && bytes[from] !== 0x30));
  }

  private readScalar(): string | number | undefined {
    return this.bytes[this.at] === quote ? this.readText() : this.readNumber();
  }

  /** A text without escapes. One that the body has had before is given as the same string, which costs no new one. */
  private readText(): string | undefined {
    const { bytes, starts, texts } = this;
    const from = this.at + 1;
    let hash = 0;
    let end = from;
    for (; end < bytes.length; end++) {
      const byte = bytes[end]!;
      if (byte === quote) break;
      if (byte < space || byte > 0x7e || byte === 0x5c) return undefined;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (end === bytes.length) return undefined;
    this.at = end + 1;
    const slot = (hash ^ (hash >>> 8)) & (slots - 1);
    const known = starts[slot]!;
    if (known >= 0 && this.sameText(known, from, end - from)) return texts[slot]!;
    const text = bytes.toString('latin1', from, end);
    starts[slot] = from;
    texts[slot] = text;
    return text;
  }

  /** Whether the text at `known` is the one of `length` bytes at `from`, its closing quote included. */
  private sameText(known: number, from: number, length: number): boolean {
    const { bytes } = this;
    for (let i = 0; i <= length; i++) if (bytes[known + i] !== bytes[from + i]) return false;
    return true;
  }

  /** A number of JSON's grammar. Up to fifteen digits it is computed here, exactly: one division of two exact numbers. */
  private readNumber(): number | undefined {
    const { bytes } = this;
    const from = this.at;
    let at = from;
    const negative = bytes[at] === 0x2d;
    if (negative) at++;
    const first = at;
    let digits = 0;
    for (; at < bytes.length; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) break;
      digits = digits * 10 + digit;
    }
    const whole = at - first;
    if (whole === 0 || (whole > 1 && bytes[first] === 0x30)) return undefined;
    let decimals = 0;
    if (bytes[at] === 0x2e) {
      const point = at++;
      for (; at < bytes.length; at++) {
        const digit = bytes[at]! - 0x30;
        if (digit < 0 || digit > 9) break;
        digits = digits * 10 + digit;
      }
      decimals = at - point - 1;
      if (decimals === 0) return undefined;
    }
    const after = bytes[at]! | 0x20;
    if (after === 0x65) return undefined;
    this.at = at;
    if (whole + decimals > 15) return Number(bytes.toString('latin1', from, at));
    const magnitude = decimals === 0 ? digits : digits / powersOfTen[decimals]!;
    return negative ? -magnitude : magnitude;
  }
}

const powersOfTen = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);
