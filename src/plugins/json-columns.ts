/**
 * A reader for bodies that are columns keyed by row, `{"id": 7, "value": {"0": 36.6, "1": 82}}` (pandas' `to_dict()`):
 * it gives each column as a list, or as a `TextColumn`, in one pass over the bytes, for less than `JSON.parse` and the
 * search for duplicate keys cost together. What is not exactly of that form it leaves to them.
 */
import { TextColumn } from '../services/predictions/text-column.js';
import { allocateBriefly } from '../tensor.js';
import { closeObject, colon, comma, JsonCursor, openObject, quote, space } from './json-cursor.js';

/** Distinct texts remembered while a body is read: columns repeat theirs. A power of two. */
const slots = 256;

/** Numbers of texts by their hash, and by a hash of how they begin, plus one. For one body after the other. */
const table = new Int32Array(slots);
const beginnings = new Int32Array(slots);

/** Rows whose keys have up to three digits. */
const shortKeys = 1000;

/** What stands between the value of one row and that of the next, `, "12": `, by the number of the next. */
interface Between {
  /** Its first four bytes and its last as numbers, which overlap unless it has nine: then the byte between them. */
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  readonly middles: Uint8Array;
  /** Bytes beside the digits of the key. */
  readonly marks: number;
}

function between(before: string, behind: string): Between {
  const texts = Array.from({ length: shortKeys }, (_, row) => Buffer.from(`${before}${row}${behind}`, 'latin1'));
  return {
    heads: Int32Array.from(texts, (text) => text.readInt32LE()),
    tails: Int32Array.from(texts, (text) => text.readInt32LE(text.length - 4)),
    middles: Uint8Array.from(texts, (text) => text[4]!),
    marks: before.length + behind.length,
  };
}

/** As Python writes it, and as JavaScript does. */
const spaced = between(', "', '": ');
const compact = between(',"', '":');

/**
 * The object that `bytes` hold, every dictionary whose keys are `"0"`, `"1"`, … in order given as a list, or as a
 * `TextColumn` where all of its values are texts. `undefined` when they hold anything else: a key twice, keys in another
 * order, nesting, escapes, letters beyond ASCII, or no JSON.
 */
export function parseColumns(bytes: Buffer): Record<string, unknown> | undefined {
  const reader = new ColumnReader(bytes);
  return reader.readObject();
}

class ColumnReader extends JsonCursor {
  private readonly view: DataView;
  /** Up to here four bytes can be read at once. */
  private readonly lastWord: number;
  /** The texts met so far, where each stands (behind its quote), and which came after it the last time. */
  private readonly texts: string[] = [];
  private readonly starts: number[] = [];
  private readonly followers: number[] = [];
  /** The number of the text read last. */
  private last = 0;
  /** Rows of the column read last: columns of one body are as long as each other. */
  private rows = 0;

  constructor(bytes: Buffer) {
    super(bytes);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.lastWord = bytes.length - 4;
    table.fill(0);
    beginnings.fill(0);
  }

  readObject(): Record<string, unknown> | undefined {
    const fields: Record<string, unknown> = Object.create(null);
    if (this.next() !== openObject) return undefined;
    this.at++;
    for (;;) {
      if (this.next() !== quote) return undefined;
      const name = this.readText();
      if (name === undefined || name in fields || this.next() !== colon) return undefined;
      this.at++;
      const value = this.next() === openObject ? this.readColumn() : this.readScalar();
      if (value === undefined) return undefined;
      fields[name] = value;
      const separator = this.next();
      this.at++;
      if (separator === comma) continue;
      return separator === closeObject && this.next() === -1 ? fields : undefined;
    }
  }

  /** A column from its opening brace on. This loop is what a body costs: what serialisers write is read without a call. */
  private readColumn(): unknown[] | TextColumn | undefined {
    const { bytes, view, texts, followers } = this;
    const last = bytes.length - 9;
    this.at++;
    let at = this.beginRow(0);
    // The numbers of texts, as long as there is nothing else.
    let codes: Int32Array | undefined = bytes[at] === quote ? allocateBriefly('int32', this.rows || 64) : undefined;
    let column: unknown[] = codes !== undefined ? [] : this.rows > 0 ? new Array(this.rows) : [];
    for (let row = 0; at >= 0; ) {
      const first = bytes[at]!;
      if (first === quote) {
        const expected = followers[this.last] ?? -1;
        if (expected >= 0 && this.isText(expected, at + 1)) {
          this.last = expected;
          at += texts[expected]!.length + 2;
        } else {
          this.at = at;
          if (this.lookUpText() === undefined) return undefined;
          at = this.at;
        }
        if (codes === undefined) column[row] = texts[this.last]!;
        else {
          if (row === codes.length) codes = longer(codes);
          codes[row] = this.last;
        }
      } else {
        if (codes !== undefined) {
          column = new TextColumn(texts, codes.subarray(0, row)).toList();
          codes = undefined;
        }
        if (first >= 0x30 && first <= 0x39 && bytes[at + 1] === comma) {
          at++;
          column[row] = first - 0x30;
        } else {
          this.at = at;
          const value = this.readNumber();
          if (Number.isNaN(value)) return undefined;
          at = this.at;
          column[row] = value;
        }
      }
      row++;
      const style = bytes[at + 1] === space ? spaced : compact;
      if (row < shortKeys && at < last && view.getInt32(at, true) === style.heads[row]) {
        const length = style.marks + (row < 10 ? 1 : row < 100 ? 2 : 3);
        const isNext = view.getInt32(at + length - 4, true) === style.tails[row];
        if (isNext && (length < 9 || bytes[at + 4] === style.middles[row])) {
          at += length;
          if (bytes[at]! > space) continue;
          this.at = at;
          this.next();
          at = this.at;
          continue;
        }
      }
      this.at = at;
      const separator = this.next();
      this.at++;
      if (separator !== comma) {
        this.rows = row;
        if (separator !== closeObject) return undefined;
        if (codes !== undefined) return new TextColumn(texts, codes.subarray(0, row));
        column.length = row;
        return column;
      }
      at = this.beginRow(row);
    }
    return undefined;
  }

  /** From wherever white space may stand, the place of the value with the key `row`; -1 where another key stands. */
  private beginRow(row: number): number {
    if (this.next() !== quote) return -1;
    const key = `${row}"`;
    for (let i = 0; i < key.length; i++) if (this.bytes[this.at + 1 + i] !== key.charCodeAt(i)) return -1;
    this.at += 1 + key.length;
    if (this.next() !== colon) return -1;
    this.at++;
    this.next();
    return this.at;
  }

  private readScalar(): string | number | undefined {
    if (this.bytes[this.at] === quote) return this.readText();
    const number = this.readNumber();
    return Number.isNaN(number) ? undefined : number;
  }

  /**
   * A text without escapes. Columns repeat their texts, and in the same order: one that is where the follower of the
   * last text is expected costs a comparison, one that was met before a hash as well, and only a new one a new string.
   */
  protected override readText(): string | undefined {
    const { texts } = this;
    const expected = this.followers[this.last] ?? -1;
    if (expected < 0 || !this.isText(expected, this.at + 1)) return this.lookUpText();
    this.last = expected;
    this.at += texts[expected]!.length + 2;
    return texts[expected]!;
  }

  private lookUpText(): string | undefined {
    const from = this.at + 1;
    const { texts } = this;
    const slot = this.slotOfBeginning(from);
    let number = beginnings[slot]! - 1;
    if (number < 0 || !this.isText(number, from)) {
      number = this.lookUpWhole(from);
      if (number < 0) return undefined;
      beginnings[slot] = number + 1;
    }
    const text = texts[number]!;
    this.at = from + text.length + 1;
    this.followers[this.last] = number;
    this.last = number;
    return text;
  }

  /** The number of the text from `from` to the next quote; -1 when that is not one of printable ASCII without escapes. */
  private lookUpWhole(from: number): number {
    const { bytes, texts } = this;
    const end = this.endOf(from);
    const slot = this.slotOf(from, end);
    const known = table[slot]! - 1;
    if (known >= 0 && texts[known]!.length === end - from && this.isText(known, from)) return known;
    const number = texts.length;
    if (end === bytes.length || !isPlain(bytes, from, end)) return -1;
    table[slot] = number + 1;
    texts.push(bytes.toString('latin1', from, end));
    this.starts.push(from);
    // What is new, a time say, is likely to be there again in the next row.
    this.followers.push(number);
    return number;
  }

  /** A hash of two words near the beginning, for texts that are longer: no end has to be found for it. */
  private slotOfBeginning(from: number): number {
    if (from + 16 > this.bytes.length) return 0;
    const { view } = this;
    const hash = Math.imul(view.getInt32(from + 4, true), 0x9e3779b1) ^ view.getInt32(from + 12, true);
    return Math.imul(hash, 0x85ebca6b) >>> 24;
  }

  /** Where the next quote stands, four bytes at a time; the end when there is none. */
  private endOf(from: number): number {
    const { bytes, view, lastWord } = this;
    let at = from;
    for (; at <= lastWord; at += 4) {
      // A byte that is the quote becomes 0, and the highest bit of the lowest such byte is set.
      const word = view.getUint32(at, true) ^ 0x22222222;
      const hit = (word - 0x01010101) & ~word & 0x80808080;
      if (hit !== 0) return at + ((31 - Math.clz32(hit & -hit)) >> 3);
    }
    while (at < bytes.length && bytes[at] !== quote) at++;
    return at;
  }

  /** A hash of the length, the middle and the end, where names and times of one column differ. */
  private slotOf(from: number, end: number): number {
    const { bytes, view } = this;
    let hash = Math.imul(end - from, 31) + bytes[(from + end) >> 1]!;
    if (end - from >= 4 && end <= bytes.length) {
      hash = Math.imul(hash ^ view.getUint32(end - 4, true), 0x9e3779b1);
      return hash >>> 24;
    }
    for (let i = from; i < end; i++) hash = Math.imul(hash, 31) + bytes[i]!;
    return (hash ^ (hash >>> 8)) & (slots - 1);
  }

  /**
   * Whether the text of that number stands at `from`, its closing quote included. Eight bytes are compared as one double:
   * those of printable ASCII are neither NaN nor zero, so that equal doubles are equal bytes.
   */
  private isText(number: number, from: number): boolean {
    const { bytes, view } = this;
    const length = this.texts[number]!.length + 1;
    const start = this.starts[number]!;
    if (length >= 8 && from + length <= bytes.length) {
      const last = length - 8;
      for (let i = 0; i < last; i += 8)
        if (view.getFloat64(start + i, true) !== view.getFloat64(from + i, true)) return false;
      return view.getFloat64(start + last, true) === view.getFloat64(from + last, true);
    }
    for (let i = 0; i < length; i++) if (bytes[start + i] !== bytes[from + i]) return false;
    return true;
  }
}

function longer(codes: Int32Array): Int32Array {
  const grown = new Int32Array(2 * codes.length);
  grown.set(codes);
  return grown;
}

/** Whether the bytes are printable ASCII without escapes: then they are the text. */
function isPlain(bytes: Uint8Array, from: number, end: number): boolean {
  for (let i = from; i < end; i++) {
    const byte = bytes[i]!;
    if (byte < space || byte > 0x7e || byte === 0x5c) return false;
  }
  return true;
}
