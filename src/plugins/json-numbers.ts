/**
 * A reader for bodies that carry tensors, `{"inputs": {"x": [[5.1, 3.5], [4.9, 3]]}}`: it gives each list of numbers as
 * one array, in one pass over the bytes, for less than `JSON.parse`, the search for duplicate keys and the walk through
 * nested lists cost together. What it is not made for it leaves to them. The lists themselves are read by
 * `assembly/lists.ts`.
 */
import { NumberArray } from '../services/predictions/number-array.js';
import { allocateBriefly } from '../tensor.js';
import { type JsonAssembly, openAssembly } from './json-assembly.js';
import {
  closeList,
  closeObject,
  colon,
  comma,
  JsonCursor,
  minus,
  openList,
  openObject,
  quote,
  space,
} from './json-cursor.js';
import { depthLimit } from './json-scan.js';

/** Marks what the reader leaves to others; JSON has no such value. */
const left = Symbol('left');

/**
 * The value that `bytes` hold, with a `NumberArray` for every list of numbers that is the value of a key; `undefined`
 * when there is no such list, or anything that only `JSON.parse` should read: escapes, letters beyond ASCII, a key
 * twice, an empty list, lists of numbers and other things, or no JSON at all.
 *
 * @param key the only key whose lists of numbers become arrays; every key unless given
 */
export function parseNumbers(bytes: Buffer, key?: string): unknown {
  // A list that is the value of a key does not begin the body.
  if (bytes.indexOf(openList, 1) < 0) return undefined;
  const assembly = openAssembly();
  if (assembly === null) return undefined;
  const value = new NumberReader(bytes, key, assembly).readBody();
  return value === left ? undefined : value;
}

/** Bytes of a list that the compiled code is given at a time. */
const pieceBytes = 2 ** 16;
/** What it says of a piece. */
const inMore = 0;
const atEnd = 1;

class NumberReader extends JsonCursor {
  constructor(
    bytes: Buffer,
    private readonly key: string | undefined,
    private readonly assembly: JsonAssembly,
  ) {
    super(bytes);
  }

  readBody(): unknown {
    const value = this.readValue(0, undefined);
    return value !== left && this.next() === -1 ? value : left;
  }

  private readValue(depth: number, key: string | undefined): unknown {
    const first = this.next();
    if (first === quote) return this.readText() ?? left;
    if (first === openObject) return this.readObject(depth + 1);
    if (first === openList) {
      const wanted = key !== undefined && (this.key === undefined || this.key === key);
      return wanted && this.holdsNumbers() ? this.readNumbers(depth) : this.readList(depth + 1);
    }
    if (first === 0x74) return this.readWord('true', true);
    if (first === 0x66) return this.readWord('false', false);
    if (first === 0x6e) return this.readWord('null', null);
    const number = this.readNumber();
    return Number.isNaN(number) ? left : number;
  }

  private readObject(depth: number): unknown {
    if (depth > depthLimit) return left;
    const fields: Record<string, unknown> = {};
    this.at++;
    if (this.next() === closeObject) {
      this.at++;
      return fields;
    }
    for (;;) {
      if (this.next() !== quote) return left;
      const name = this.readText();
      if (name === undefined || name === '__proto__' || Object.hasOwn(fields, name)) return left;
      if (this.next() !== colon) return left;
      this.at++;
      const value = this.readValue(depth, name);
      if (value === left) return left;
      fields[name] = value;
      const separator = this.next();
      this.at++;
      if (separator === closeObject) return fields;
      if (separator !== comma) return left;
    }
  }

  private readList(depth: number): unknown {
    if (depth > depthLimit) return left;
    const items: unknown[] = [];
    this.at++;
    if (this.next() === closeList) {
      this.at++;
      return items;
    }
    for (;;) {
      const value = this.readValue(depth, undefined);
      if (value === left) return left;
      items.push(value);
      const separator = this.next();
      this.at++;
      if (separator === closeList) return items;
      if (separator !== comma) return left;
    }
  }

  /** Whether the first thing that is no list, in the list at hand, looks like a number. */
  private holdsNumbers(): boolean {
    const { bytes } = this;
    for (let at = this.at; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === openList || byte <= space) continue;
      return byte === minus || (byte >= 0x30 && byte <= 0x39);
    }
    return false;
  }

  private readNumbers(depth: number): unknown {
    const { bytes, assembly } = this;
    const { call, places } = assembly;
    if (!assembly.reserve(places.body + pieceBytes + 64)) return left;
    call.beginList();
    let read: Float64Array | undefined;
    let count = 0;
    for (;;) {
      const size = Math.min(bytes.length - this.at, pieceBytes);
      bytes.copy(assembly.bytes, places.body, this.at, this.at + size);
      const state = call.readList(size, this.at + size === bytes.length);
      const consumed = call.countConsumed();
      if ((state !== inMore && state !== atEnd) || consumed === 0) return left;
      this.at += consumed;
      const from = places.numbers / 8;
      const numbers = assembly.numbers.subarray(from, from + call.countNumbers());
      if (read === undefined) read = allocateBriefly('float64', numbers.length);
      else if (count + numbers.length > read.length) read = longer(read, count, this.roomFor(count + numbers.length));
      read.set(numbers, count);
      count += numbers.length;
      if (state === atEnd) break;
    }
    const shape: number[] = [];
    for (let axis = 0; axis < call.countAxes(); axis++) shape.push(assembly.integers[places.shape / 4 + axis]!);
    if (depth + shape.length > depthLimit) return left;
    return new NumberArray(read.length === count ? read : read.slice(0, count), shape);
  }

  /** For `count` numbers and those that the rest holds by as many bytes each, or twice as many: what is less. */
  private roomFor(count: number): number {
    const rest = Math.ceil((count / this.at) * (this.bytes.length - this.at));
    return count + Math.min(count, rest) + 1;
  }

  private readWord(word: string, value: unknown): unknown {
    const { bytes } = this;
    for (let i = 0; i < word.length; i++) if (bytes[this.at + i] !== word.charCodeAt(i)) return left;
    this.at += word.length;
    return value;
  }
}

function longer(numbers: Float64Array, count: number, length: number): Float64Array {
  const grown = new Float64Array(length);
  grown.set(numbers.subarray(0, count));
  return grown;
}
