import { VitrinaError } from '../errors.js';
import type { Session } from '../runtime/index.js';
import type { Signature, TensorSpec } from '../signature.js';
import { allocate, sizeOf, type Tensor, type TensorData } from '../tensor.js';
import type { Priority } from './priority.js';
import { VersionStats } from './version-stats.js';

/** Why a batch closed: the event loop's turn ended, it was full, its delay ran out, the session became free, or it cannot be shared. */
export type CloseReason = 'turn' | 'full' | 'delay' | 'free' | 'alone';

export interface BatchReport {
  /** When the batch started, on the clock of `performance.now()`: the same for all that are in it. */
  readonly startedAt: number;
  /** Milliseconds between the request's arrival and the start of its batch. */
  readonly waitMs: number;
  /** Milliseconds that the batch took to compute. */
  readonly runMs: number;
  readonly batchRows: number;
  readonly closedBy: CloseReason;
}

export interface Computed {
  readonly outputs: Record<string, Tensor>;
  readonly report: BatchReport;
}

export interface BatcherOptions {
  /** For messages. */
  readonly model: string;
  readonly maxBatchRows: number;
  /** How long the first row of a batch may wait for company on a busy server; 0 closes with the event loop's turn. */
  readonly maxDelayMs: number;
  /** Rows that may wait; a request beyond is refused with `overloaded`. */
  readonly maxQueueRows: number;
  /** False when the graph has no free batch dimension: then every request runs alone. */
  readonly batchable: boolean;
}

/** Who waits for an answer. Asked when a batch forms: an `AbortSignal` for each request would cost more than the model. */
export interface Caller {
  readonly gone: boolean;
  /** When the answer has to be there, on the clock of `performance.now()`; never, unless given. */
  readonly deadline?: number | undefined;
  /** Whose requests leave first, and are shed last; `normal` unless given. */
  readonly priority?: Priority | undefined;
}

interface Waiting {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly rows: number;
  /** Requests may share a batch when their free dimensions agree. */
  readonly shapeKey: string;
  readonly arrived: number;
  readonly caller: Caller | undefined;
  resolve(computed: Computed): void;
  reject(error: unknown): void;
}

/**
 * Collects the rows of concurrent requests and runs them together.
 *
 * One batch is in flight at a time. A request that finds the session idle leaves with the current turn of the event
 * loop, together with what arrived in that same turn, so alone it never waits; requests that come while a batch
 * computes leave together when it is done, or, with `maxDelayMs`, when their first has waited that long. Requests
 * whose callers went away are dropped before they cost anything.
 */
export class Batcher {
  readonly stats = new VersionStats();
  private waiting: Waiting[] = [];
  private waitingRows = 0;
  private running = false;
  private turn: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastClosed = Number.NEGATIVE_INFINITY;
  private idle: (() => void)[] = [];
  private readonly freeInputs: readonly TensorSpec[];

  constructor(
    private readonly session: Session,
    signature: Signature,
    private readonly options: BatcherOptions,
  ) {
    this.freeInputs = signature.inputs.filter((spec) => spec.shape.slice(1).includes(null));
  }

  /** Rows that wait for a batch. */
  get queuedRows(): number {
    return this.waitingRows;
  }

  /**
   * Computes `inputs`, whose first dimensions are all `rows`, and resolves to this request's rows of the outputs.
   * Errors: `overloaded`, `deadline-exceeded`, `request-abandoned`, and those of `Session.run`.
   */
  submit(inputs: Readonly<Record<string, Tensor>>, rows: number, caller?: Caller): Promise<Computed> {
    const { model, maxQueueRows: limit } = this.options;
    // A request that alone exceeds the limit is let in when nothing waits: the limit bounds waiting, not requests.
    if (this.waitingRows > 0 && this.waitingRows + rows > limit) {
      return Promise.reject(
        new VitrinaError('overloaded', { model, queued: this.waitingRows, limit }, { headers: { 'retry-after': '1' } }),
      );
    }
    return new Promise((resolve, reject) => {
      const shapeKey =
        this.freeInputs.length === 0 ? '' : this.freeInputs.map((s) => inputs[s.name]!.shape.slice(1)).join(';');
      this.waiting.push({ inputs, rows, shapeKey, arrived: performance.now(), caller, resolve, reject });
      this.waitingRows += rows;
      this.schedule();
    });
  }

  /** Resolves when nothing waits and nothing runs. */
  drained(): Promise<void> {
    if (!this.running && this.waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  private schedule(): void {
    if (this.running || this.turn !== undefined) return;
    const { maxDelayMs, maxBatchRows } = this.options;
    const first = this.waiting[0]!;
    const busy = first.arrived - this.lastClosed < maxDelayMs;
    if (maxDelayMs === 0 || !busy || this.waitingRows >= maxBatchRows) {
      this.stopTimer();
      this.turn = setImmediate(() => {
        this.turn = undefined;
        this.run('turn');
      });
    } else
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        if (!this.running && this.turn === undefined) this.run('delay');
      }, maxDelayMs);
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private run(cause: 'turn' | 'delay' | 'free'): void {
    const batch = this.take();
    if (batch.length === 0) {
      this.next();
      return;
    }
    const rows = batch.reduce((sum, request) => sum + request.rows, 0);
    const full = rows >= this.options.maxBatchRows || this.waiting.length > 0;
    const closedBy: CloseReason = !this.options.batchable ? 'alone' : full ? 'full' : cause;
    const started = performance.now();
    this.lastClosed = started;
    this.running = true;
    this.session
      .run(batch.length === 1 ? batch[0]!.inputs : joinInputs(batch, rows))
      .then((outputs) => {
        const runMs = performance.now() - started;
        this.stats.batch(rows, runMs);
        let from = 0;
        for (const request of batch) {
          const own = batch.length === 1 ? outputs : sliceOutputs(outputs, from, request.rows, rows);
          from += request.rows;
          const waitMs = started - request.arrived;
          const report = { startedAt: started, waitMs, runMs, batchRows: rows, closedBy };
          this.stats.answer(request.rows, waitMs, runMs);
          request.resolve({ outputs: own, report });
        }
      })
      .catch((error: unknown) => this.settleFailure(batch, error))
      .finally(() => {
        this.running = false;
        this.next();
      });
  }

  /** A batch that failed is run again request by request, so that one caller's bad input fails nobody else. */
  private async settleFailure(batch: readonly Waiting[], error: unknown): Promise<void> {
    const retry = batch.length > 1 && error instanceof VitrinaError && error.code === 'runtime-rejected';
    if (!retry) {
      for (const request of batch) this.fail(request, error);
      return;
    }
    for (const request of batch) {
      const started = performance.now();
      await this.session.run(request.inputs).then(
        (outputs) => {
          const waitMs = started - request.arrived;
          const runMs = performance.now() - started;
          this.stats.batch(request.rows, runMs);
          this.stats.answer(request.rows, waitMs, runMs);
          const report = { startedAt: started, waitMs, runMs, batchRows: request.rows, closedBy: 'alone' as const };
          request.resolve({ outputs, report });
        },
        (own) => this.fail(request, own),
      );
    }
  }

  private fail(request: Waiting, error: unknown): void {
    this.stats.fail(performance.now() - request.arrived);
    request.reject(error);
  }

  private next(): void {
    if (this.waiting.length === 0) {
      for (const resolve of this.idle.splice(0)) resolve();
      return;
    }
    const { maxDelayMs, maxBatchRows } = this.options;
    if (maxDelayMs === 0 || this.waitingRows >= maxBatchRows) {
      // A turn of the event loop between batches lets it answer and accept.
      this.turn ??= setImmediate(() => {
        this.turn = undefined;
        this.run('free');
      });
    } else {
      const left = Math.max(0, this.waiting[0]!.arrived + maxDelayMs - performance.now());
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        if (!this.running && this.turn === undefined) this.run('delay');
      }, left);
    }
  }

  /** The next batch: requests in order of arrival that fit and agree in shape; a request larger than the limit goes alone. */
  private take(): Waiting[] {
    const { maxBatchRows, batchable } = this.options;
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const now = performance.now();
    let rows = 0;
    for (const request of this.waiting) {
      if (request.caller?.gone) {
        this.waitingRows -= request.rows;
        request.reject(new VitrinaError('request-abandoned', {}));
        continue;
      }
      if (request.caller?.deadline !== undefined && request.caller.deadline <= now) {
        this.waitingRows -= request.rows;
        request.reject(new VitrinaError('deadline-exceeded', { waitedMs: now - request.arrived }));
        continue;
      }
      const first = batch[0];
      const fits =
        first === undefined ||
        (batchable && left.length === 0 && rows + request.rows <= maxBatchRows && request.shapeKey === first.shapeKey);
      if (fits) {
        batch.push(request);
        rows += request.rows;
      } else left.push(request);
    }
    this.waiting = left;
    this.waitingRows -= rows;
    return batch;
  }
}

function joinInputs(batch: readonly Waiting[], rows: number): Record<string, Tensor> {
  const joined: Record<string, Tensor> = {};
  for (const name in batch[0]!.inputs) {
    const { dtype, shape } = batch[0]!.inputs[name]!;
    const rowSize = sizeOf(shape.slice(1));
    const data = allocate(dtype, rows * rowSize);
    let at = 0;
    for (const request of batch) {
      const own = request.inputs[name]!.data;
      if (Array.isArray(data)) for (let i = 0; i < own.length; i++) data[at + i] = own[i] as string;
      else (data as Float32Array).set(own as Float32Array, at);
      at += own.length;
    }
    joined[name] = { dtype, shape: [rows, ...shape.slice(1)], data };
  }
  return joined;
}

function sliceOutputs(
  outputs: Record<string, Tensor>,
  from: number,
  count: number,
  rows: number,
): Record<string, Tensor> {
  const own: Record<string, Tensor> = {};
  for (const name in outputs) {
    const { dtype, shape, data } = outputs[name]!;
    if (shape[0] !== rows) {
      throw new VitrinaError('runtime-rejected', {
        reason: `output "${name}" has ${shape[0]} rows for a batch of ${rows}`,
      });
    }
    const rowSize = sizeOf(shape.slice(1));
    own[name] = {
      dtype,
      shape: [count, ...shape.slice(1)],
      data: slice(data, from * rowSize, (from + count) * rowSize),
    };
  }
  return own;
}

/** A view for numbers, a copy for strings: the rows of one caller, who may keep them. */
function slice(data: TensorData, from: number, to: number): TensorData {
  return Array.isArray(data) ? data.slice(from, to) : (data.subarray(from, to) as TensorData);
}
