/**
 * Upper bounds of the buckets, in milliseconds: ten to the decade from 10 µs to 100 s, so that a percentile, which lies
 * somewhere in its bucket, is off by 28 % at most, and by half of that as a rule. Prometheus is shown every third.
 */
const series = [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8];
const decades = [0.01, 0.1, 1, 10, 100, 1_000, 10_000];
export const boundsMs: readonly number[] = [
  ...decades.flatMap((decade) => series.map((step) => Number((decade * step).toPrecision(3)))),
  100_000,
];

/** Buckets that are exposed, as indices of `boundsMs`: 1, 2.5 and 5 of each decade from 100 µs to 10 s. */
export const exposed: readonly number[] = boundsMs.flatMap((bound, index) =>
  bound >= 0.1 && bound <= 10_000 && [0, 4, 7].includes(index % series.length) ? [index] : [],
);

/** Durations in fixed buckets: a dozen nanoseconds to record, nothing to allocate. */
export class Histogram {
  /** By bucket, the last for what lies beyond all bounds. */
  readonly counts = new Float64Array(boundsMs.length + 1);
  count = 0;
  sumMs = 0;

  record(ms: number): void {
    let low = 0;
    let high = boundsMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (boundsMs[middle]! < ms) low = middle + 1;
      else high = middle;
    }
    this.counts[low]!++;
    this.count++;
    this.sumMs += ms;
  }
}

/** A histogram in a form that travels between processes: counts by bucket, those of zero left out at the end. */
export interface HistogramCounts {
  readonly counts: readonly number[];
  readonly sumMs: number;
}

export function countsOf({ counts, sumMs }: Histogram): HistogramCounts {
  const end = counts.findLastIndex((count) => count > 0) + 1;
  return { counts: [...counts.subarray(0, end)], sumMs };
}

export function addCounts(histograms: readonly HistogramCounts[]): HistogramCounts {
  const length = Math.max(0, ...histograms.map(({ counts }) => counts.length));
  const counts = Array.from({ length }, (_, i) => histograms.reduce((sum, one) => sum + (one.counts[i] ?? 0), 0));
  return { counts, sumMs: histograms.reduce((sum, one) => sum + one.sumMs, 0) };
}

/**
 * The value below which the share `q` of the durations lies, in milliseconds, interpolated within its bucket as
 * Prometheus' `histogram_quantile` does; `null` when there are none. What lies beyond the last bound counts as the bound.
 */
export function quantile({ counts }: HistogramCounts, q: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = q * total;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const upper = boundsMs[index] ?? boundsMs.at(-1)!;
      const lower = index === 0 ? 0 : boundsMs[Math.min(index, boundsMs.length) - 1]!;
      return lower + (upper - lower) * Math.max(0, (rank - below) / count);
    }
    below += count;
  }
  return boundsMs.at(-1)!;
}
