import { zeroInputs } from '../../runtime/index.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import type { Batcher, Computed } from './batcher.js';

/** What one size of batch costs. Milliseconds. */
export interface MeasuredSize {
  readonly rows: number;
  readonly runs: number;
  /** Median of the runs. */
  readonly runMs: number;
  readonly rowsPerSecond: number;
  /** Median of what a caller waits beside the run: the batcher, and the way to a worker thread and back. */
  readonly besideMs: number;
}

/** What so many callers get who each ask again as soon as they are answered. */
export interface MeasuredCallers {
  readonly callers: number;
  readonly batching: boolean;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Rows of a batch, on average. */
  readonly batchRows: number;
}

/** Runs batches of `rows` rows of zeros, one after the other, for `seconds`. Errors: those of `Batcher.submit`. */
export async function measureSize(
  { batcher, signature }: ReadyVersion,
  rows: number,
  seconds: number,
): Promise<MeasuredSize> {
  const runs: number[] = [];
  const beside: number[] = [];
  await batcher.submit(zeroInputs(signature, rows), rows);
  const until = performance.now() + seconds * 1000;
  while (runs.length < 3 || performance.now() < until) {
    const inputs = zeroInputs(signature, rows);
    const before = performance.now();
    const { report } = await batcher.submit(inputs, rows);
    runs.push(report.runMs);
    beside.push(performance.now() - before - report.runMs);
  }
  const runMs = percentile(runs, 0.5);
  return { rows, runs: runs.length, runMs, rowsPerSecond: (1000 * rows) / runMs, besideMs: percentile(beside, 0.5) };
}

/**
 * Lets `callers` callers send one row of zeros each, again and again, for `seconds`; without `batching`, a row a run.
 * Errors: those of `Batcher.submit`.
 */
export async function measureCallers(
  { batcher, signature }: ReadyVersion,
  callers: number,
  batching: boolean,
  seconds: number,
): Promise<MeasuredCallers> {
  // What bounds the queue of a server has no place here: a closed loop bounds itself.
  const unbounded = { maxQueueRows: Number.MAX_SAFE_INTEGER, maxWaitMs: Number.POSITIVE_INFINITY };
  const own: Batcher = batcher.withLimits(batching ? unbounded : { ...unbounded, maxBatchRows: 1 });
  const times: number[] = [];
  let rows = 0;
  const began = performance.now();
  const until = began + seconds * 1000;
  const call = async () => {
    do {
      const before = performance.now();
      const { report }: Computed = await own.submit(zeroInputs(signature, 1), 1);
      times.push(performance.now() - before);
      rows += report.batchRows;
    } while (performance.now() < until);
  };
  await Promise.all(Array.from({ length: callers }, call));
  return {
    callers,
    batching,
    requestsPerSecond: (1000 * times.length) / (performance.now() - began),
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    batchRows: rows / times.length,
  };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
