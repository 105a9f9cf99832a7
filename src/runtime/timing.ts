import type { Signature, TensorSpec } from '../signature.js';
import { allocate, sizeOf, type Tensor } from '../tensor.js';
import type { Placement, Session } from './session.js';

/** What one run costs, measured when a version loads. Milliseconds. */
export interface Timing {
  /** The quickest of several runs with one row: what the graph costs, whatever else the machine does meanwhile. */
  readonly singleMs: number;
  /** The quickest of several runs with `batchRows` rows. */
  readonly batchMs: number;
  readonly batchRows: number;
}

/** A run that blocks the event loop longer than this belongs in a worker thread. */
const inlineLimitMs = 1;
/** A batch may keep the event loop busy for this long; longer, and other models' requests would feel it. */
const inlineBatchMs = 4;
const workerBatchMs = 50;
const largestBatch = 1024;
/** Free dimensions other than the batch are unknown until a request comes: timing takes this size. */
const freeSize = 8;

/**
 * Times a session on zeros, so that placement and batch size follow from a figure.
 * `undefined` when the graph does not take such inputs (a free dimension that must match another, for one).
 */
export async function timeSession(session: Session, signature: Signature): Promise<Timing | undefined> {
  const batchRows = isBatchable(signature) ? 32 : 1;
  try {
    await session.run(zeros(signature, 1));
    const singleMs = await quickestRun(session, signature, 1);
    const batchMs = batchRows === 1 ? singleMs : await quickestRun(session, signature, batchRows);
    return { singleMs, batchMs, batchRows };
  } catch {
    return undefined;
  }
}

/** Inline when one row is quick enough, else a worker; an untimed graph goes to a worker, where it can do no harm. */
export function choosePlacement(timing: Timing | undefined): Placement {
  return timing !== undefined && timing.singleMs < inlineLimitMs ? 'inline' : 'worker';
}

/** The most rows that a batch may hold without keeping its thread busy too long. */
export function chooseBatchRows(timing: Timing | undefined, placement: Placement): number {
  if (timing === undefined) return 64;
  const budget = placement === 'inline' ? inlineBatchMs : workerBatchMs;
  const perRow = timing.batchMs / timing.batchRows;
  return Math.max(1, Math.min(largestBatch, Math.floor(budget / Math.max(perRow, 1e-4))));
}

/** True when every input and output has the batch as its first, free dimension. */
export function isBatchable(signature: Signature): boolean {
  if (signature.indivisible) return false;
  return [...signature.inputs, ...signature.outputs].every((spec) => spec.shape.length > 0 && spec.shape[0] === null);
}

async function quickestRun(session: Session, signature: Signature, rows: number): Promise<number> {
  const times: number[] = [];
  const started = performance.now();
  while (times.length < 15 && performance.now() - started < 60) {
    const inputs = zeros(signature, rows);
    const before = performance.now();
    await session.run(inputs);
    times.push(performance.now() - before);
  }
  return Math.min(...times);
}

function zeros(signature: Signature, rows: number): Record<string, Tensor> {
  return Object.fromEntries(signature.inputs.map((spec) => [spec.name, zero(spec, rows)]));
}

function zero(spec: TensorSpec, rows: number): Tensor {
  const shape = spec.shape.map((size, axis) => size ?? (axis === 0 ? rows : freeSize));
  const data = allocate(spec.dtype, sizeOf(shape));
  if (spec.json !== undefined) (data as string[]).fill(spec.json === 'list' ? '[]' : '{}');
  return { dtype: spec.dtype, shape, data };
}
