/**
 * A reader for bodies that carry tensors, `{"inputs": {"x": [[5.1, 3.5], [4.9, 3]]}}`: it gives each list of numbers as
 * one array, in one pass over the bytes, for less than `JSON.parse`, the search for duplicate keys and the walk through
 * nested lists cost together. What it is not made for it leaves to them.
 */
import { NumberArray } from '../services/predictions/number-array.js';
import { allocateBriefly } from '../tensor.js';
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
  const value = new NumberReader(bytes, key).readBody();
  return value === left ? undefined : value;
}

/** Where numbers are read to, before it is known how many they are. */
const scratch = new Float64Array(2 ** 13);

class NumberReader extends JsonCursor {
  private numbers = scratch;
  private count = 0;

  constructor(
    bytes: Buffer,
    private readonly key: string | undefined,
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
    const shape: number[] = [];
    const from = this.at;
    while (this.next() === openList) {
      shape.push(-1);
      this.at++;
    }
    if (depth + shape.length > depthLimit) return left;
    this.at = from;
    this.count = 0;
    this.numbers = scratch;
    if (!this.readLevel(shape, 0)) return left;
    const { numbers, count } = this;
    if (numbers !== scratch) return new NumberArray(numbers.slice(0, count), shape);
    const own = allocateBriefly('float64', count);
    for (let i = 0; i < count; i++) own[i] = numbers[i]!;
    return new NumberArray(own, shape);
  }

  private readLevel(shape: number[], axis: number): boolean {
    const innermost = axis === shape.length - 1;
    let size = 0;
    this.at++;
    for (;;) {
      if (innermost) {
        if (!this.appendNumber()) return false;
      } else if (this.next() !== openList || !this.readLevel(shape, axis + 1)) return false;
      size++;
      const separator = this.next();
      this.at++;
      if (separator === comma) continue;
      if (separator !== closeList) return false;
      if (shape[axis] === -1) shape[axis] = size;
      return shape[axis] === size;
    }
  }

  private appendNumber(): boolean {
    const { bytes } = this;
    if (bytes[this.at] === space) this.at++;
    if (bytes[this.at]! <= space) this.next();
    const number = this.readNumber();
    if (Number.isNaN(number)) return false;
    if (this.count === this.numbers.length) {
      // A number and its comma take four bytes or more, as a rule.
      const rest = Math.min((bytes.length - this.at) >> 2, 2 ** 16);
      const grown = new Float64Array(this.count + Math.max(this.count, rest));
      grown.set(this.numbers);
      this.numbers = grown;
    }
    this.numbers[this.count++] = number;
    return true;
  }

  private readWord(word: string, value: unknown): unknown {
    const { bytes } = this;
    for (let i = 0; i < word.length; i++) if (bytes[this.at + i] !== word.charCodeAt(i)) return left;
    this.at += word.length;
    return value;
  }
}
