import { malformed, overLimit } from './limits.js';
import { EightBitText } from './values.js';

const newline = 0x0a;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the arguments of opcodes. Nothing is read past the end of the bytes, nor past the end of a frame: an opcode
 * lies in one frame or in none.
 */
export class Cursor {
  position: number;
  /** End of the frame that the cursor is in, or of the bytes. */
  private end: number;
  private inFrame = false;
  private readonly buffer: Buffer;
  private readonly view: DataView;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, start: number) {
    // A plain Uint8Array: the views that a Buffer gives are Buffers, whose `slice` does not copy.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = start;
    this.end = bytes.length;
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws artefact-malformed for a frame in a frame, or one longer than the file */
  enterFrame(length: number): void {
    if (this.inFrame && this.position !== this.end) {
      throw malformed('pickle', 'a frame begins inside of another', this.position);
    }
    if (length > this.bytes.length - this.position) {
      throw malformed(
        'pickle',
        `a frame of ${length} bytes, of which ${this.bytes.length - this.position} are there`,
        this.position,
      );
    }
    this.end = this.position + length;
    this.inFrame = true;
  }

  /** The pickle, or one before raw data, ends here. @throws artefact-malformed inside of a frame */
  leaveFrame(): void {
    if (this.inFrame && this.position !== this.end) {
      throw malformed('pickle', 'it ends before its last frame does', this.position);
    }
    this.end = this.bytes.length;
    this.inFrame = false;
  }

  /** Advances by `length` and gives the position before. */
  private advance(length: number): number {
    const start = this.position;
    if (length > this.end - start) {
      // A frame ends where its last opcode ends; what follows may be outside of any.
      if (!this.inFrame || start !== this.end || length > this.bytes.length - start) {
        const left = this.end - start;
        throw malformed(
          'pickle',
          left === 0 ? 'it ends without STOP' : `${length} bytes are needed and ${left} are left`,
          start,
        );
      }
      this.leaveFrame();
    }
    this.position = start + length;
    return start;
  }

  uint8(): number {
    return this.bytes[this.advance(1)]!;
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  float64(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  length4(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  length8(): number {
    const start = this.advance(8);
    const length = this.view.getBigUint64(start, true);
    if (length > BigInt(this.bytes.length)) {
      throw malformed('pickle', `a length of ${length} bytes in a file of ${this.bytes.length}`, start);
    }
    return Number(length);
  }

  /** A view of the next bytes. */
  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A little-endian integer in two's complement; no bytes are zero. @throws artefact-over-limit */
  twosComplement(length: number, limit: number): bigint {
    if (length > limit) throw overLimit('pickle', 'an integer of bytes', length, limit, 'integerBytes');
    const start = this.advance(length);
    if (length === 0) return 0n;
    if (length <= 6) return BigInt(this.buffer.readIntLE(start, length));
    const hex = Buffer.from(this.buffer.subarray(start, start + length))
      .reverse()
      .toString('hex');
    return BigInt.asIntN(length * 8, BigInt(`0x${hex}`));
  }

  /** Text up to the next line feed, as Latin-1. */
  line(): string {
    const end = this.buffer.indexOf(newline, this.position);
    if (end < 0) throw malformed('pickle', 'a line without an end', this.position);
    const start = this.advance(end + 1 - this.position);
    return this.buffer.toString('latin1', start, end);
  }

  /** A decimal integer as `int` writes one. @throws artefact-malformed, artefact-over-limit */
  decimal(line: string, limit: number): bigint {
    // 2.41 digits to a byte; conversion costs the square of the length.
    if (line.length > limit * 2.41 + 2)
      throw overLimit('pickle', 'an integer of digits', line.length, limit, 'integerBytes');
    if (!/^-?\d+$/.test(line) || /^-?0\d/.test(line)) {
      throw malformed('pickle', `${JSON.stringify(line.slice(0, 40))} is no integer`, this.position);
    }
    return BigInt(line);
  }

  /** A decimal place of the memo. */
  index(): number {
    const line = this.line();
    const index = Number(line);
    if (!/^\d{1,15}$/.test(line))
      throw malformed('pickle', `${JSON.stringify(line.slice(0, 40))} is no place of the memo`, this.position);
    return index;
  }

  /** A float as `repr` writes one. */
  decimalFloat(): number {
    const line = this.line();
    if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(line) && line.length < 2000) return Number(line);
    if (/^[+-]?inf$/.test(line)) return line.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    if (/^[+-]?nan$/.test(line)) return Number.NaN;
    throw malformed('pickle', `${JSON.stringify(line.slice(0, 40))} is no float`, this.position);
  }

  utf8(length: number): string {
    const start = this.advance(length);
    const { bytes } = this;
    const end = start + length;
    let at = start;
    while (at < end && bytes[at]! < 0x80) at++;
    if (at === end) return this.buffer.toString('latin1', start, end);
    try {
      return decoder.decode(bytes.subarray(start, end));
    } catch {
      throw malformed('pickle', 'text that is no UTF-8, or has half a surrogate pair', start);
    }
  }

  /** An 8-bit string of Python 2: text where it is ASCII, as Python 3 reads it. */
  eightBit(length: number): string | EightBitText {
    const start = this.advance(length);
    const end = start + length;
    let at = start;
    while (at < end && this.bytes[at]! < 0x80) at++;
    if (at === end) return this.buffer.toString('latin1', start, end);
    return new EightBitText(this.bytes.buffer, this.bytes.byteOffset + start, length);
  }

  /** The `repr` of an 8-bit string. */
  quotedLine(): string | EightBitText {
    const line = this.line();
    const quote = line[0];
    if (line.length < 2 || (quote !== '"' && quote !== "'") || line.at(-1) !== quote) {
      throw malformed('pickle', 'a string without quotes', this.position);
    }
    let text = '';
    for (let i = 1; i < line.length - 1; ) {
      const match = /\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([\\'"abfnrtv]))|[^\\]/y;
      match.lastIndex = i;
      const found = match.exec(line);
      if (found === null) throw malformed('pickle', 'a string with a broken escape', this.position);
      const [whole, hex, octal, letter] = found;
      const code =
        hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : undefined;
      text +=
        code !== undefined ? String.fromCharCode(code) : letter !== undefined ? (escapes[letter] ?? letter) : whole;
      i += whole.length;
    }
    return /[^\0-\x7f]/.test(text) ? EightBitText.from(Buffer.from(text, 'latin1')) : text;
  }

  /** Text in Python's `raw-unicode-escape`: Latin-1 with \uXXXX and \UXXXXXXXX. */
  rawUnicodeLine(): string {
    const line = this.line();
    if (!line.includes('\\')) return line;
    // Arrays of protocol 0 come this way, megabytes in a line.
    const units = new Uint16Array(line.length);
    let length = 0;
    for (let at = 0; at < line.length; ) {
      const code = line.charCodeAt(at++);
      units[length++] = code;
      if (code !== backslash) continue;
      const letter = line[at++];
      if (letter !== 'u' && letter !== 'U') {
        if (letter === undefined) throw this.brokenText();
        units[length++] = letter.charCodeAt(0);
        continue;
      }
      length--;
      const digits = letter === 'u' ? 4 : 8;
      let point = at + digits > line.length ? Number.NaN : 0;
      for (const end = at + digits; at < end; at++) point = point * 16 + hexadecimal(line.charCodeAt(at));
      // Two halves of a pair would merge into one character here and stay two in Python.
      if (!(point <= 0x10ffff) || (point >= 0xd800 && point < 0xe000)) throw this.brokenText();
      if (point > 0xffff) {
        units[length++] = 0xd7c0 + (point >> 10);
        units[length++] = 0xdc00 | (point & 0x3ff);
      } else units[length++] = point;
    }
    return Buffer.from(units.buffer, 0, length * 2).toString('utf16le');
  }

  private brokenText() {
    return malformed('pickle', 'text with a broken escape, or half a surrogate pair', this.position);
  }
}

const backslash = 0x5c;

/** The value of a hexadecimal digit, NaN of what is none. */
function hexadecimal(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

/** What stands behind a backslash in Python's texts, and the character that it means. */
export const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
