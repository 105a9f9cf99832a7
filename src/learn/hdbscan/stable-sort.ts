import { scratch } from './scratch.js';

/** From so many keys on, counting their digits is quicker than comparing them. */
const many = 4096;
/** Keys next to each other that are put in order by moving them past each other, before such runs are merged. */
const runLength = 12;

/** The digits of 64 bits: the word that they lie in (0 low, 1 high), and from which bit on; 11 bits, at the top 10. */
const digits = [
  [0, 0],
  [0, 11],
  [0, 22],
  [1, 0],
  [1, 11],
  [1, 22],
] as const;
const buckets = 2048;

/**
 * Sorts `keys` ascending, and moves `first` and `second`, of the same length, along with them; equal keys stay in the
 * order they were in. Keys are numbers, not NaN, and not −0. Time and memory are linear: a radix sort on the bits, which
 * skips the digits in which all keys agree (timestamps of a month differ in half of their bits). Everything moves
 * together, so that memory is read in order; look-ups through indices cost ten times as much beyond the cache.
 */
export function stableSort(keys: Float64Array, first: Uint32Array, second?: Uint32Array): void {
  if (isSorted(keys)) return;
  if (keys.length < many) merge(keys, first, second);
  else countDigits(keys, first, second);
}

function isSorted(keys: Float64Array): boolean {
  for (let i = 1; i < keys.length; i++) if (keys[i]! < keys[i - 1]!) return false;
  return true;
}

/** Merges runs of places, and moves everything once it is known where to. */
function merge(keys: Float64Array, first: Uint32Array, second: Uint32Array | undefined): void {
  const count = keys.length;
  let from = scratch.uint32(count);
  let to = scratch.uint32(count);
  sortRuns(keys, from);
  for (let length = runLength; length < count; length *= 2) {
    for (let begin = 0; begin < count; begin += 2 * length) {
      const middle = Math.min(count, begin + length);
      const end = Math.min(count, begin + 2 * length);
      let left = begin;
      let right = middle;
      let at = begin;
      while (left < middle && right < end) {
        to[at++] = keys[from[left]!]! <= keys[from[right]!]! ? from[left++]! : from[right++]!;
      }
      while (left < middle) to[at++] = from[left++]!;
      while (right < end) to[at++] = from[right++]!;
    }
    [from, to] = [to, from];
  }
  arrange(keys, from, scratch.float64(count));
  arrange(first, from, to);
  if (second !== undefined) arrange(second, from, to);
}

/** [keys] places, of which each run is in the order of its keys. */
function sortRuns(keys: Float64Array, places: Uint32Array): void {
  for (let begin = 0; begin < keys.length; begin += runLength) {
    const end = Math.min(keys.length, begin + runLength);
    for (let i = begin; i < end; i++) {
      const key = keys[i]!;
      let at = i;
      for (; at > begin && keys[places[at - 1]!]! > key; at--) places[at] = places[at - 1]!;
      places[at] = i;
    }
  }
}

/** Puts into each place what was at `places` there. */
function arrange<List extends Float64Array | Uint32Array>(list: List, places: Uint32Array, room: List): void {
  for (let i = 0; i < list.length; i++) room[i] = list[places[i]!]!;
  list.set(room);
}

function countDigits(keys: Float64Array, first: Uint32Array, second: Uint32Array | undefined): void {
  const count = keys.length;
  let from: Columns = { keys, first, second };
  let to: Columns = {
    keys: scratch.float64(count),
    first: scratch.uint32(count),
    second: second && scratch.uint32(count),
  };
  const varying = differingBits(keys);
  const counts = scratch.uint32(buckets);
  for (const [word, shift] of digits) {
    if ((varying[word] >>> shift) % buckets === 0) continue;
    distribute(from, to, counts, word, shift);
    [from, to] = [to, from];
  }
  if (from.keys === keys) return;
  keys.set(from.keys);
  first.set(from.first);
  if (from.second !== undefined) second?.set(from.second);
}

interface Columns {
  readonly keys: Float64Array;
  readonly first: Uint32Array;
  readonly second: Uint32Array | undefined;
}

/** One pass; `counts` is room for how many keys have each value of the digit. */
function distribute(from: Columns, to: Columns, counts: Uint32Array, word: 0 | 1, shift: number): void {
  const { keys, first } = from;
  const { keys: toKeys, first: toFirst } = to;
  // Moving a list twice is quicker than to ask for each key whether there is one.
  const second = from.second ?? first;
  const toSecond = to.second ?? toFirst;
  const words = wordsOf(keys);
  const count = keys.length;
  // Bits compare as the numbers do once the sign is turned round, and a negative number's other bits with it.
  const flip = word === 1 ? 0x80000000 : 0;
  counts.fill(0);
  for (let i = 0; i < count; i++) {
    counts[((words[2 * i + word]! ^ ((words[2 * i + 1]! >> 31) | flip)) >>> shift) & (buckets - 1)]!++;
  }
  let sum = 0;
  for (let value = 0; value < buckets; value++) {
    const length = counts[value]!;
    counts[value] = sum;
    sum += length;
  }
  for (let i = 0; i < count; i++) {
    const digit = ((words[2 * i + word]! ^ ((words[2 * i + 1]! >> 31) | flip)) >>> shift) & (buckets - 1);
    const at = counts[digit]!;
    counts[digit] = at + 1;
    toKeys[at] = keys[i]!;
    toFirst[at] = first[i]!;
    toSecond[at] = second[i]!;
  }
}

/** Of the low and the high words, the bits in which not all keys agree, as they are compared. */
function differingBits(keys: Float64Array): readonly [number, number] {
  const words = wordsOf(keys);
  const differing: [number, number] = [0, 0];
  const firstSign = words[1]! >> 31;
  for (let i = 0; i < keys.length; i++) {
    const turned = (words[2 * i + 1]! >> 31) ^ firstSign;
    differing[0] |= words[2 * i]! ^ words[0]! ^ turned;
    differing[1] |= words[2 * i + 1]! ^ words[1]! ^ turned;
  }
  return differing;
}

const wordsOf = (keys: Float64Array) => new Int32Array(keys.buffer, keys.byteOffset, 2 * keys.length);
