/** Below this many, moving neighbours past each other is quicker than counting digits. */
const few = 64;
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
 * Sorts `order`, indices into `keys`, by their keys, ascending; equal keys stay in the order they were in. Keys are
 * numbers, not NaN, and not -0. Time and memory are linear: a radix sort on the bits, which skips the digits in which all
 * keys agree (timestamps of a month differ in half of their bits), after Herf, "Radix Tricks" (2001).
 */
export function stableSort(order: Uint32Array, keys: Float64Array): void {
  if (isSorted(order, keys)) return;
  if (order.length < few) insert(order, keys);
  else countDigits(order, keys);
}

function isSorted(order: Uint32Array, keys: Float64Array): boolean {
  for (let i = 1; i < order.length; i++) if (keys[order[i]!]! < keys[order[i - 1]!]!) return false;
  return true;
}

function insert(order: Uint32Array, keys: Float64Array): void {
  for (let i = 1; i < order.length; i++) {
    const index = order[i]!;
    const key = keys[index]!;
    let at = i;
    for (; at > 0 && keys[order[at - 1]!]! > key; at--) order[at] = order[at - 1]!;
    order[at] = index;
  }
}

function countDigits(order: Uint32Array, keys: Float64Array): void {
  const words = new Uint32Array(keys.buffer, keys.byteOffset, 2 * keys.length);
  const counts = new Uint32Array(digits.length * buckets);
  for (let i = 0; i < order.length; i++) {
    const high = words[2 * order[i]! + 1]!;
    // Bits compare as the numbers do once the sign is turned round, and a negative number's other bits with it.
    const negative = -(high >>> 31);
    const low = words[2 * order[i]!]! ^ negative;
    const top = high ^ (negative | 0x80000000);
    counts[low & 2047]!++;
    counts[buckets + ((low >>> 11) & 2047)]!++;
    counts[2 * buckets + (low >>> 22)]!++;
    counts[3 * buckets + (top & 2047)]!++;
    counts[4 * buckets + ((top >>> 11) & 2047)]!++;
    counts[5 * buckets + (top >>> 22)]!++;
  }
  let from: Uint32Array = order;
  let to: Uint32Array = new Uint32Array(order.length);
  for (const [digit, [word, shift]] of digits.entries()) {
    const places = counts.subarray(digit * buckets, (digit + 1) * buckets);
    if (places.includes(order.length)) continue;
    let sum = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      const count = places[bucket]!;
      places[bucket] = sum;
      sum += count;
    }
    const flip = word === 1 ? 0x80000000 : 0;
    for (let i = 0; i < from.length; i++) {
      const index = from[i]!;
      const bits = words[2 * index + word]! ^ (-(words[2 * index + 1]! >>> 31) | flip);
      to[places[(bits >>> shift) & 2047]!++] = index;
    }
    [from, to] = [to, from];
  }
  if (from !== order) order.set(from);
}
