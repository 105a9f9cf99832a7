import { escapes } from './cursor.js';
import type { OpcodeArgument } from './opcodes.js';
import { PythonByteArray } from './values.js';

/** What follows an opcode, as Python would have it: an `int` is a `bigint`, a pair of names one text with a space. */
export type ArgumentValue = bigint | number | boolean | string | Uint8Array | PythonByteArray;

/** The bytes are not what the opcode asks for: they end, or cannot be read as its argument. */
export class ArgumentError extends Error {}

const newline = 0x0a;

/**
 * Reads arguments of opcodes without judging them, as pickletools does: no caps, no frames, and what is no value of
 * Python is given as its bytes. `position` moves behind the argument.
 */
export class ArgumentReader {
  private readonly buffer: Buffer;

  constructor(
    readonly bytes: Uint8Array,
    public position: number,
  ) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws ArgumentError */
  read(kind: OpcodeArgument): ArgumentValue {
    switch (kind) {
      case 'uint1':
        return BigInt(this.buffer[this.advance(1)]!);
      case 'uint2':
        return BigInt(this.buffer.readUInt16LE(this.advance(2)));
      case 'int4':
        return BigInt(this.buffer.readInt32LE(this.advance(4)));
      case 'uint4':
        return BigInt(this.buffer.readUInt32LE(this.advance(4)));
      case 'uint8':
        return this.buffer.readBigUInt64LE(this.advance(8));
      case 'float8':
        return this.buffer.readDoubleBE(this.advance(8));
      case 'long1':
        return twosComplement(this.take(1));
      case 'long4':
        return twosComplement(this.take(4));
      case 'string1':
        return this.latin1(this.take(1));
      case 'string4':
        return this.latin1(this.take(4));
      case 'bytes1':
        return this.take(1);
      case 'bytes4':
        return this.take(4);
      case 'bytes8':
        return this.take(8);
      case 'bytearray8':
        return new PythonByteArray(this.take(8));
      case 'unicodestring1':
        return decodeUtf8(this.take(1));
      case 'unicodestring4':
        return decodeUtf8(this.take(4));
      case 'unicodestring8':
        return decodeUtf8(this.take(8));
      case 'decimalnl_short': {
        const line = this.line();
        return line === '00' ? false : line === '01' ? true : toInteger(line);
      }
      case 'decimalnl_long':
        return toInteger(this.line().replace(/L$/, ''));
      case 'floatnl':
        return toFloat(this.line());
      case 'stringnl':
        return unquote(this.line());
      case 'stringnl_noescape':
        return this.line();
      case 'stringnl_noescape_pair':
        return `${this.line()} ${this.line()}`;
      case 'unicodestringnl':
        return unescapeUnicode(this.line());
    }
  }

  private advance(length: number): number {
    const start = this.position;
    if (length > this.bytes.length - start) {
      throw new ArgumentError(`${length} bytes are needed and ${this.bytes.length - start} are left`);
    }
    this.position = start + length;
    return start;
  }

  /** As many bytes as the count before them says; the count has `width` bytes. */
  private take(width: 1 | 4 | 8): Uint8Array {
    const at = this.advance(width);
    const length =
      width === 1
        ? this.buffer[at]!
        : width === 4
          ? this.buffer.readUInt32LE(at)
          : Number(this.buffer.readBigUInt64LE(at));
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  private line(): string {
    const end = this.buffer.indexOf(newline, this.position);
    if (end < 0) throw new ArgumentError('a line without an end');
    const start = this.advance(end + 1 - this.position);
    return this.buffer.toString('latin1', start, end);
  }

  private latin1(bytes: Uint8Array): string {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

/** Digits and bytes beyond which an integer is not worked out: it costs the square of the length. */
const maxIntegerBytes = 100_000;

function twosComplement(bytes: Uint8Array): bigint | Uint8Array {
  if (bytes.length === 0) return 0n;
  if (bytes.length > maxIntegerBytes) return bytes;
  const hex = Buffer.from(bytes).reverse().toString('hex');
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

function toInteger(line: string): bigint | Uint8Array {
  const text = line.trim().replaceAll('_', '');
  if (!/^[+-]?\d+$/.test(text) || text.length > maxIntegerBytes) return Buffer.from(line, 'latin1');
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text.replace('+', ''));
}

function toFloat(line: string): number | Uint8Array {
  const text = line.trim().toLowerCase();
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text)) return Number(text);
  if (/^[+-]?inf(inity)?$/.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^[+-]?nan$/.test(text) ? Number.NaN : Buffer.from(line, 'latin1');
}

/** The text between the quotes of a `repr` of an 8-bit string. */
function unquote(line: string): string | Uint8Array {
  const quote = line[0];
  if (line.length < 2 || (quote !== '"' && quote !== "'") || line.at(-1) !== quote) return Buffer.from(line, 'latin1');
  return line.slice(1, -1).replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([\s\S]))/g, (whole, hex, octal, letter) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    return escapes[letter] ?? ('\\\'"'.includes(letter) ? letter : whole);
  });
}

/** Python's `raw-unicode-escape`. */
function unescapeUnicode(line: string): string {
  return line.replace(/(\\*)\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/g, (whole, before: string, short, long) => {
    const point = Number.parseInt(short ?? long, 16);
    // An even number of backslashes before it belongs to itself.
    return before.length % 2 === 1 || point > 0x10ffff ? whole : before + String.fromCodePoint(point);
  });
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 with lone surrogates, as pickles are written; other bytes are given as they are. */
function decodeUtf8(bytes: Uint8Array): string | Uint8Array {
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeSurrogates(bytes) ?? bytes;
  }
}

function decodeSurrogates(bytes: Uint8Array): string | undefined {
  let text = '';
  let start = 0;
  try {
    for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
      const [, second = 0, third = 0] = bytes.subarray(at, at + 3);
      if (second < 0xa0 || second > 0xbf || (third & 0xc0) !== 0x80) continue;
      text += decoder.decode(bytes.subarray(start, at));
      text += String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f));
      start = at + 3;
    }
    return text + decoder.decode(bytes.subarray(start));
  } catch {
    return undefined;
  }
}
