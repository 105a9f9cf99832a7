import { hasFreeSize, type Signature, type TensorSpec } from '../signature.js';
import { allocate, sizeOf, type Tensor } from '../tensor.js';
import type { Placement, Session } from './session.js';

/** What one run costs, measured when a version loads. Milliseconds. */
export interface Timing {
  /** The quickest of several runs with one row: what the graph costs, whatever else the machine does meanwhile. */
  readonly singleMs: number;
  /** The quickest of several runs with `batchRows` rows. */
  readonly batchMs: number;
  readonly batchRows: number;
  /** The quickest run of each size that was tried, ascending. */
  readonly curve?: readonly TimedSize[];
}

export interface TimedSize {
  readonly rows: number;
  readonly ms: number;
}

/** A run that blocks the event loop longer than this belongs in a worker thread. */
const inlineLimitMs = 1;
/** A batch may keep the event loop busy for this long; longer, and other models' requests would feel it. */
const inlineBatchMs = 4;
const workerBatchMs = 50;
const largestBatch = 1024;
/** What a batch costs beside its run: joining its rows, and a turn of the event loop. */
const batchOverheadMs = 0.05;
/** A larger batch is worth it when a row costs this much less in it; otherwise it only makes the first row wait. */
const worthwhile = 1.1;
/** Milliseconds that the sizes of batches get altogether, and that the next one may take by what the last one took. */
const curveBudgetMs = 300;
const longestRunMs = 250;
/** A graph this slow is tried in steps of four times the rows, not of twice. */
const slowMs = 2;
/** Elements of an input beyond which no larger batch is tried: zeros take memory too. */
const largestInput = 2 ** 22;
/** Free dimensions other than the batch are unknown until a request comes: timing takes this size. */
const freeSize = 8;

/**
 * Times a session on zeros, so that placement and batch size follow from a figure: one row, then twice as many each
 * time, until a batch would keep a worker busy for too long.
 * `undefined` when the graph does not take such inputs (a free dimension that must match another, for one).
 */
export async function timeSession(session: Session, signature: Signature): Promise<Timing | undefined> {
  try {
    await session.run(zeroInputs(signature, 1));
    const singleMs = await quickestRun(session, signature, 1, 15);
    const curve: TimedSize[] = [{ rows: 1, ms: singleMs }];
    if (!isBatchable(signature)) return { singleMs, batchMs: singleMs, batchRows: 1, curve };
    const until = performance.now() + curveBudgetMs;
    const step = singleMs > slowMs ? 4 : 2;
    for (let rows = step; rows <= largestBatch; rows *= step) {
      const { ms } = curve.at(-1)!;
      if (ms > workerBatchMs || ms * step > longestRunMs || performance.now() > until) break;
      if (rows * widest(signature) > largestInput) break;
      curve.push({ rows, ms: await quickestRun(session, signature, rows, 5) });
    }
    const { rows, ms } = curve.findLast((size) => size.rows <= 32)!;
    return { singleMs, batchMs: ms, batchRows: rows, curve };
  } catch {
    return undefined;
  }
}

/** Inline when one row is quick enough, else a worker; an untimed graph goes to a worker, where it can do no harm. */
export function choosePlacement(timing: Timing | undefined): Placement {
  return timing !== undefined && timing.singleMs < inlineLimitMs ? 'inline' : 'worker';
}

/**
 * Whether a run of `ms` is worth the tenth of a millisecond that handing it to a thread costs, where the event loop could
 * compute it as well: it reads and answers meanwhile.
 */
export const isWorthThread = (ms: number): boolean => ms >= 0.4;

/**
 * The most rows that a batch may hold: as many as its thread may be busy for, and no more than make a row cheaper by
 * being together.
 */
export function chooseBatchRows(timing: Timing | undefined, placement: Placement): number {
  if (timing === undefined) return 64;
  const budget = placement === 'inline' ? inlineBatchMs : workerBatchMs;
  const { curve = [{ rows: timing.batchRows, ms: timing.batchMs }] } = timing;
  const costs = curve.map(({ rows, ms }) => (ms + batchOverheadMs) / rows);
  const least = Math.min(...costs);
  const knee = costs.findIndex((cost) => cost <= least * worthwhile);
  // Where rows still get cheaper with the largest size that was tried, time alone is the limit.
  const limit = knee === curve.length - 1 ? largestBatch : curve[knee]!.rows;
  const fitting = curve.findLast(({ ms }) => ms <= budget) ?? curve[0]!;
  const byTime = Math.floor(budget / Math.max(fitting.ms / fitting.rows, 1e-4));
  return Math.max(1, Math.min(limit, byTime));
}

/**
 * Elements of all inputs together that the event loop may compute, by what one row of the sizes tried took; `undefined`
 * where only the batch is free, since rows are counted elsewhere.
 */
export function mostElements(timing: Timing | undefined, { inputs }: Signature): number | undefined {
  if (!inputs.some(hasFreeSize)) return undefined;
  const tried = inputs.reduce((sum, spec) => sum + sizeOf(zeroShape(spec, 1)), 0);
  return tried * Math.max(1, Math.floor(inlineBatchMs / (timing?.singleMs ?? inlineBatchMs)));
}

/** True when every input and output has the batch as its first, free dimension. */
export function isBatchable(signature: Signature): boolean {
  if (signature.indivisible) return false;
  return [...signature.inputs, ...signature.outputs].every((spec) => spec.shape.length > 0 && spec.shape[0] === null);
}

async function quickestRun(session: Session, signature: Signature, rows: number, most: number): Promise<number> {
  let quickest = Number.POSITIVE_INFINITY;
  const started = performance.now();
  for (let run = 0; run < most && (run < 2 || performance.now() - started < 60); run++) {
    const inputs = zeroInputs(signature, rows);
    // A version may load beside others that answer: the event loop gets its turns.
    if (run === 0 || quickest > inlineLimitMs) await new Promise((resolve) => setImmediate(resolve));
    const before = performance.now();
    await session.run(inputs);
    quickest = Math.min(quickest, performance.now() - before);
  }
  return quickest;
}

/** Inputs that every graph takes which asks for nothing but types and shapes. */
export function zeroInputs(signature: Signature, rows: number): Record<string, Tensor> {
  return Object.fromEntries(signature.inputs.map((spec) => [spec.name, zero(spec, rows)]));
}

function zero(spec: TensorSpec, rows: number): Tensor {
  const shape = zeroShape(spec, rows);
  const data = allocate(spec.dtype, sizeOf(shape));
  if (spec.json !== undefined) (data as string[]).fill(spec.json === 'list' ? '[]' : '{}');
  return { dtype: spec.dtype, shape, data };
}

const zeroShape = (spec: TensorSpec, rows: number) =>
  spec.shape.map((size, axis) => size ?? (axis === 0 ? rows : freeSize));

/** Elements of one row of the largest input or output. */
function widest({ inputs, outputs }: Signature): number {
  return Math.max(...[...inputs, ...outputs].map((spec) => sizeOf(zeroShape(spec, 1))));
}
