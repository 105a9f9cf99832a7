/**
 * Objects of columns keyed by row. See `src/plugins/json-columns.ts`. What was read is
 *
 * - at `fields`, 24 bytes a field: the text of its name (u32), its kind (u32), where its values begin or which text it
 *   is (u32), rows (u32), and the number it is (f64);
 * - at `texts`, 16 bytes a distinct text: where it stands (u32), its length (u32), the text that came after it (u32);
 * - at `gathered`, all of these texts, one after the other.
 */
import {
  body,
  compactKeys,
  fields,
  gathered,
  masks,
  mostFields,
  mostGathered,
  mostTexts,
  shortKeys,
  slotBits,
  slots,
  spacedKeys,
  texts,
} from './memory';
import { numberEnd, readNumber } from './number';

/** What a field is: a number, a text, a column of float64, or one of the numbers of texts (i32). */
const numberKind: u32 = 0;
const textKind: u32 = 1;
const numbersKind: u32 = 2;
const textsKind: u32 = 3;

const quote: i32 = 0x22;
const comma: i32 = 0x2c;
const colon: i32 = 0x3a;
const openObject: i32 = 0x7b;
const closeObject: i32 = 0x7d;

let at: usize = 0;
let end: usize = 0;
/** Where values are written next. */
let free: usize = 0;
let textCount: i32 = 0;
/** The number of the text read last. */
let last: i32 = 0;
let gatheredLength: usize = 0;

for (let length = 0; length <= 32; length++) memory.fill(masks + (length << 5), 0xff, length);
for (let row = 0; row < shortKeys; row++) {
  writeKey(spacedKeys + (row << 4), row, true);
  writeKey(compactKeys + (row << 4), row, false);
}

/** What stands between the value of one row and that of `row`, as Python writes it (`, "12": `) or JavaScript (`,"12":`). */
function writeKey(to: usize, row: i32, spaced: bool): void {
  store<u8>(to++, comma);
  if (spaced) store<u8>(to++, 0x20);
  store<u8>(to++, quote);
  if (row >= 100) store<u8>(to++, 0x30 + row / 100);
  if (row >= 10) store<u8>(to++, 0x30 + ((row / 10) % 10));
  store<u8>(to++, 0x30 + (row % 10));
  store<u8>(to++, quote);
  store<u8>(to++, colon);
  if (spaced) store<u8>(to, 0x20);
}

export function countTexts(): i32 {
  return textCount;
}
export function countGathered(): usize {
  return gatheredLength;
}
/** Bytes of memory that a body of `length` bytes takes with what is read from it: rows take seven bytes, values eight. */
export function bytesFor(length: i32): usize {
  return body + length * 3 + mostFields * 8 + 4096;
}

/** The number of fields of the object that the `length` bytes at `body` are; -1 when they are anything else. */
export function readColumns(length: i32): i32 {
  at = body;
  end = body + length;
  // What is compared beyond the end is nothing that JSON has.
  memory.fill(end, 0, 64);
  free = (end + 64 + 7) & ~7;
  textCount = 0;
  last = 0;
  gatheredLength = 0;
  memory.fill(slots, 0, (1 << slotBits) * 4);
  if (next() !== openObject) return -1;
  at++;
  for (let count = 0; count < mostFields; ) {
    if (!readField(fields + count * 24)) return -1;
    count++;
    const separator = next();
    at++;
    if (separator === comma) continue;
    return separator === closeObject && next() === -1 ? count : -1;
  }
  return -1;
}

function readField(field: usize): bool {
  if (next() !== quote || !readText()) return false;
  store<u32>(field, last);
  if (next() !== colon) return false;
  at++;
  const first = next();
  if (first === openObject) {
    at++;
    if (!beginRow(0)) return false;
    const ofTexts = load<u8>(at) === quote;
    store<u32>(field, ofTexts ? textsKind : numbersKind, 4);
    store<u32>(field, free, 8);
    const rows = ofTexts ? readTexts() : readNumbers();
    store<u32>(field, rows, 12);
    return rows > 0;
  }
  if (first === quote) {
    store<u32>(field, textKind, 4);
    if (!readText()) return false;
    store<u32>(field, last, 8);
    return true;
  }
  store<u32>(field, numberKind, 4);
  const value = readNumber(at);
  at = numberEnd;
  store<f64>(field, value, 16);
  return !Number.isNaN(value);
}

/** The byte at hand, white space skipped; -1 at the end. */
function next(): i32 {
  while (at < end) {
    const byte = load<u8>(at);
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return byte;
    at++;
  }
  return -1;
}

/** From wherever white space may stand to the value with the key `row`; false where another key stands. */
function beginRow(row: i32): bool {
  if (next() !== quote) return false;
  at++;
  let power = 1;
  while (power <= row / 10) power *= 10;
  for (; power > 0; power /= 10) {
    if (load<u8>(at) !== 0x30 + ((row / power) % 10)) return false;
    at++;
  }
  if (load<u8>(at) !== quote) return false;
  at++;
  if (next() !== colon) return false;
  at++;
  next();
  return true;
}

/** From behind a value: 1 when the value of `row` follows, 0 when the column ends, -1 for anything else. */
function nextRow(row: i32): i32 {
  const separator = next();
  at++;
  if (separator === comma) return beginRow(row) ? 1 : -1;
  return separator === closeObject ? 0 : -1;
}

/** Bytes between the value that ends at `from` and that of `row`, when it is as serialisers write it; otherwise 0. */
function separatorOf(from: usize, row: i32): i32 {
  if (row >= shortKeys) return 0;
  const spaced = load<u8>(from, 1) === 0x20;
  const length = (spaced ? 6 : 4) + (row < 10 ? 1 : row < 100 ? 2 : 3);
  const key = v128.load((spaced ? spacedKeys : compactKeys) + (row << 4));
  const differs = v128.and(v128.xor(v128.load(from), key), v128.load(masks + (length << 5)));
  return !v128.any_true(differs) && load<u8>(from + length) > 0x20 ? length : 0;
}

/**
 * A column of texts from its first value on, as their numbers: how many, or -1. The step to the next row stands here and in
 * `readNumbers`: as a function of its own it costs a tenth of the whole.
 */
function readTexts(): i32 {
  let row = 0;
  for (let more = 1; more > 0; ) {
    if (load<u8>(at) !== quote || !readText()) return -1;
    store<i32>(free, last);
    free += 4;
    row++;
    const separator = separatorOf(at, row);
    if (separator > 0) {
      at += separator;
      continue;
    }
    more = nextRow(row);
    if (more < 0) return -1;
  }
  free = (free + 7) & ~7;
  return row;
}

/** A column of numbers from its first value on: how many, or -1. */
function readNumbers(): i32 {
  let row = 0;
  for (let more = 1; more > 0; ) {
    const value = readNumber(at);
    at = numberEnd;
    if (Number.isNaN(value)) return -1;
    store<f64>(free, value);
    free += 8;
    row++;
    const separator = separatorOf(at, row);
    if (separator > 0) {
      at += separator;
      continue;
    }
    more = nextRow(row);
    if (more < 0) return -1;
  }
  return row;
}

/**
 * A text of printable ASCII without escapes, whose number is `last` then. Columns repeat their texts, mostly in the same
 * order: one that stands where it is expected after the one before costs a comparison, one met before a hash as well.
 */
function readText(): bool {
  if (textCount > 0) {
    const follower = load<i32>(texts + (last << 4), 8);
    const text = texts + (follower << 4);
    const length = load<i32>(text, 4);
    if (isSame(load<u32>(text), at + 1, length + 1)) {
      last = follower;
      at += length + 2;
      return true;
    }
  }
  return lookUpText();
}

function lookUpText(): bool {
  const from = at + 1;
  let to = from;
  for (let quotes = 0; quotes === 0; ) {
    const low = v128.load(to);
    const high = v128.load(to, 16);
    quotes = matches(low, quote) | (matches(high, quote) << 16);
    const odd = oddIn(low) | (oddIn(high) << 16);
    if ((odd & (quotes === 0 ? -1 : (quotes & -quotes) - 1)) !== 0) return false;
    to += quotes === 0 ? 32 : ctz(quotes);
  }
  const length = <i32>(to - from);
  const slot = slots + (hashOf(from, to) << 2);
  const known = load<i32>(slot) - 1;
  const before = texts + (last << 4);
  at = to + 1;
  if (known >= 0) {
    const text = texts + (known << 4);
    if (load<i32>(text, 4) === length && isSame(load<u32>(text), from, length + 1)) {
      store<i32>(before, known, 8);
      last = known;
      return true;
    }
  }
  if (textCount === mostTexts || gatheredLength + length > mostGathered) return false;
  memory.copy(gathered + gatheredLength, from, length);
  gatheredLength += length;
  store<i32>(slot, textCount + 1);
  if (textCount > 0) store<i32>(before, textCount, 8);
  const text = texts + (textCount << 4);
  store<u32>(text, from);
  store<i32>(text, length, 4);
  // What is new, a time say, is likely to be there again in the next row.
  store<i32>(text, textCount, 8);
  last = textCount++;
  return true;
}

/** Of the length and the last eight bytes, where names and times of one column differ. */
function hashOf(from: usize, to: usize): u32 {
  let hash = <u32>(to - from) * 31;
  if (to - from >= 8) hash = ((hash ^ load<u32>(to - 4)) * 0x9e3779b1) ^ (load<u32>(to - 8) * 0x85ebca6b);
  else for (let i = from; i < to; i++) hash = hash * 31 + load<u8>(i);
  return (hash * 0x85ebca6b) >>> (32 - slotBits);
}

/** Whether `length` bytes, one at least, are the same. */
function isSame(a: usize, b: usize, length: i32): bool {
  while (length > 32) {
    if (v128.any_true(v128.xor(v128.load(a), v128.load(b)))) return false;
    a += 16;
    b += 16;
    length -= 16;
  }
  const mask = masks + (length << 5);
  const low = v128.and(v128.xor(v128.load(a), v128.load(b)), v128.load(mask));
  const high = v128.and(v128.xor(v128.load(a, 16), v128.load(b, 16)), v128.load(mask, 16));
  return !v128.any_true(v128.or(low, high));
}

/** A bit for each byte that is `byte`. */
function matches(block: v128, byte: i32): i32 {
  return i8x16.bitmask(i8x16.eq(block, i8x16.splat(<i8>byte)));
}

/** A bit for each byte that is not printable ASCII, or a backslash. */
function oddIn(block: v128): i32 {
  // As signed numbers, bytes beyond ASCII are below the space too.
  return i8x16.bitmask(i8x16.lt_s(block, i8x16.splat(0x20))) | matches(block, 0x7f) | matches(block, 0x5c);
}
