import type { Call } from '../call.js';
import { type Features, selectColumns } from '../features.js';

/** The columns where `mask` is true. */
export function selectSupported(call: Call, mask: readonly boolean[], takesMissing = false): Features {
  const kept = mask.flatMap((isKept, i) => (isKept ? [i] : []));
  if (kept.length === 0) return call.estimator.refuse('it selects no feature at all');
  const input = call.numbers(mask.length, { missing: takesMissing, infinite: takesMissing });
  return selectColumns(call.graph, input, kept);
}

/** Indices in ascending order of their values, equal ones as they came: NumPy's `mergesort`. */
export function stableArgsort(values: ArrayLike<number>): number[] {
  return Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b);
}

/** NumPy's sum of a vector: pairwise, in blocks of 128 with eight running sums. */
export function pairwiseSum(values: Float64Array): number {
  const n = values.length;
  if (n < 8) return values.reduce((sum, value) => sum + value, 0);
  if (n <= 128) {
    const sums = values.slice(0, 8);
    let i = 8;
    for (; i < n - (n % 8); i += 8) for (let j = 0; j < 8; j++) sums[j]! += values[i + j]!;
    const [a, b, c, d, e, f, g, h] = sums as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    let sum = a + b + (c + d) + (e + f + (g + h));
    for (; i < n; i++) sum += values[i]!;
    return sum;
  }
  const half = Math.floor(n / 2) - (Math.floor(n / 2) % 8);
  return pairwiseSum(values.subarray(0, half)) + pairwiseSum(values.subarray(half));
}

/** NumPy's median: the middle one, or the mean of both. */
export function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
