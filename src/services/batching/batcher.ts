import { VitrinaError } from '../../errors.js';
import { isWorthThread, type Session, type Timing } from '../../runtime/index.js';
import { hasFreeSize, type Signature, type TensorSpec } from '../../signature.js';
import type { Tensor } from '../../tensor.js';
import { joinInputs, sliceOutputs } from './join-tensors.js';
import type { Priority } from './priority.js';
import { PriorityQueue, type Queued } from './priority-queue.js';
import { RunCosts } from './run-costs.js';
import { turnMs } from './turnstile.js';
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
  /** Milliseconds that a request may have to wait by what runs cost; one that would wait longer is refused. */
  readonly maxWaitMs?: number | undefined;
  /** False when the graph has no free batch dimension: then every request runs alone. */
  readonly batchable: boolean;
  /** What runs cost when the version was loaded: the estimate until batches have been measured. */
  readonly timing?: Timing | undefined;
}

/** Of runs that are worth a thread beside the event loop, one in so many is computed on it. */
const directlyEvery = 64;

/** Who waits for an answer. Asked when a batch forms: an `AbortSignal` for each request would cost more than the model. */
export interface Caller {
  readonly gone: boolean;
  /** When the answer has to be there, on the clock of `performance.now()`; never, unless given. */
  readonly deadline?: number | undefined;
  /** Whose requests leave first, and are shed last; `normal` unless given. */
  readonly priority?: Priority | undefined;
}

/** Is told what became of a request. Called on the way of all answers of a batch: quick, and never throws. */
export interface Settler {
  answered(outputs: Record<string, Tensor>, report: BatchReport): void;
  failed(error: unknown): void;
}

interface Waiting extends Queued {
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Requests may share a batch when their free dimensions agree. */
  readonly shapeKey: string;
  readonly caller: Caller | undefined;
  readonly settler: Settler;
  /** Whether its settler has been told: a batch that failed is told request by request, while deadlines pass. */
  settled: boolean;
}

/** Milliseconds between looks through a full queue for requests that nobody waits for any more. */
const sweepEveryMs = 50;
/** An estimate that nothing has tested for so long lets a request through, which tests it. */
const staleMs = 1_000;
/** Milliseconds between looks for deadlines that pass while a thread computes. */
const watchEveryMs = 20;
/** Fewer rows than these, or than two batches, are left to the next turn of the event loop. */
const manyRows = 64;
/** What more urgent requests leave to the others of a full queue. */
const keptShare = 1 / 20;

/**
 * Collects the rows of concurrent requests and runs them together.
 *
 * One batch is in flight at a time. A request that finds the session idle leaves with the current turn of the event
 * loop, together with what arrived in that same turn, so alone it never waits; requests that come while a batch
 * computes leave together when it is done, or, with `maxDelayMs`, when their first has waited that long; the urgent
 * first (`PriorityQueue`). Requests whose callers went away, or whose deadlines passed, are dropped before they cost
 * anything; what cannot be met is refused when it comes, by what runs have cost lately.
 */
export class Batcher {
  readonly stats = new VersionStats();
  private readonly queue = new PriorityQueue<Waiting>();
  private readonly costs: RunCosts;
  private readonly maxWaitMs: number;
  private running = false;
  private turn: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  /**
   * When the last batch started, with how many rows, and whether others waited behind it; of batches one after the other
   * in one turn of the event loop, the first one's start and the rows of all.
   */
  private lastClosed = Number.NEGATIVE_INFINITY;
  private lastRows = 1;
  private behind = false;
  /** Runs that would have gone to a thread beside this one. */
  private asides = 0;
  private lastSweep = Number.NEGATIVE_INFINITY;
  /** What computes, and the timer that watches its deadlines; whether anybody has come with one. */
  private computing: readonly Waiting[] = [];
  private watch: NodeJS.Timeout | undefined;
  private timed = false;
  private idle: (() => void)[] = [];
  private readonly freeInputs: readonly TensorSpec[];

  constructor(
    private readonly session: Session,
    private readonly signature: Signature,
    private readonly options: BatcherOptions,
  ) {
    this.freeInputs = signature.inputs.filter(hasFreeSize);
    this.costs = new RunCosts(options.timing);
    this.maxWaitMs = options.maxWaitMs ?? Number.POSITIVE_INFINITY;
  }

  /** Rows that wait for a batch. */
  get queuedRows(): number {
    return this.queue.rows;
  }

  /** Whether anything waits or runs. */
  get busy(): boolean {
    return this.running || this.queue.length > 0;
  }

  /** Milliseconds that a request would wait now, by what runs have cost lately; 0 when nothing waits or runs. */
  expectedWaitMs(priority: Priority = 'normal'): number {
    return this.expectedWait(priority, performance.now());
  }

  /**
   * Computes `inputs`, whose first dimensions are all `rows`, and resolves to this request's rows of the outputs.
   * Errors: `overloaded`, `deadline-unmeetable`, `deadline-exceeded`, `request-abandoned`, and those of `Session.run`.
   */
  submit(inputs: Readonly<Record<string, Tensor>>, rows: number, caller?: Caller): Promise<Computed> {
    return new Promise((resolve, reject) =>
      this.enqueue(inputs, rows, caller, {
        answered: (outputs, report) => resolve({ outputs, report }),
        failed: reject,
      }),
    );
  }

  /** `submit` without a promise of its own. */
  enqueue(inputs: Readonly<Record<string, Tensor>>, rows: number, caller: Caller | undefined, settler: Settler): void {
    const arrived = performance.now();
    const priority = caller?.priority ?? 'normal';
    const refused = this.judge(rows, priority, caller?.deadline, arrived) ?? this.makeRoom(rows, priority, arrived);
    if (refused !== undefined) {
      this.stats.refused++;
      settler.failed(refused);
      return;
    }
    const shapeKey =
      this.freeInputs.length === 0 ? '' : this.freeInputs.map((s) => inputs[s.name]!.shape.slice(1)).join(';');
    this.queue.push({ inputs, rows, shapeKey, arrived, priority, caller, settler, settled: false });
    if (caller?.deadline !== undefined) {
      this.timed = true;
      if (this.running) this.watchDeadlines();
    }
    this.schedule();
  }

  /** What a request would be refused with, so that nobody reads its inputs for nothing; nothing when it is let in. */
  refusal(rows: number, caller: Pick<Caller, 'deadline' | 'priority'>): VitrinaError | undefined {
    const priority = caller.priority ?? 'normal';
    const now = performance.now();
    const room = this.fits(rows - this.queue.rowsBelow(priority, this.kept()));
    const refused =
      this.judge(rows, priority, caller.deadline, now) ??
      (room ? undefined : this.overloaded(this.expectedWait(priority, now)));
    if (refused !== undefined) this.stats.refused++;
    return refused;
  }

  /** Another one on the same session, with its own queue and other limits. */
  withLimits(limits: Partial<BatcherOptions>): Batcher {
    return new Batcher(this.session, this.signature, { ...this.options, ...limits });
  }

  /** Resolves when nothing waits and nothing runs. */
  drained(): Promise<void> {
    if (!this.running && this.queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  /** By time alone: whether the request would be answered soon enough. */
  private judge(rows: number, priority: Priority, deadline: number | undefined, now: number): VitrinaError | undefined {
    if (deadline !== undefined && deadline <= now) return new VitrinaError('deadline-exceeded', { waitedMs: 0 });
    if (deadline === undefined && (this.queue.length === 0 || this.maxWaitMs === Number.POSITIVE_INFINITY)) {
      return undefined;
    }
    if (deadline !== undefined && !this.running && this.queue.length === 0) {
      // A graph was never half as slow as it may have become.
      if (now - this.lastClosed > staleMs && now + this.costs.least / 2 < deadline) return undefined;
    }
    let wait = this.expectedWait(priority, now);
    if (this.isLate(rows, wait, deadline, now) && this.sweep(now)) wait = this.expectedWait(priority, now);
    if (!this.isLate(rows, wait, deadline, now)) return undefined;
    if (wait > this.maxWaitMs) return this.overloaded(wait);
    const fields = {
      model: this.options.model,
      needsMs: Math.ceil(wait + this.ownRun(rows)),
      leftMs: Math.floor(deadline! - now),
    };
    return new VitrinaError('deadline-unmeetable', fields, retryAfter(wait));
  }

  private isLate(rows: number, wait: number, deadline: number | undefined, now: number): boolean {
    if (this.queue.length > 0 && wait > this.maxWaitMs) return true;
    return deadline !== undefined && now + wait + this.ownRun(rows) > deadline;
  }

  /** The run that a request will be in: with others as long as others wait. */
  private ownRun(rows: number): number {
    const { maxBatchRows, batchable } = this.options;
    return this.costs.run(batchable ? Math.max(rows, Math.min(maxBatchRows, rows + this.queue.rows)) : rows);
  }

  private expectedWait(priority: Priority, now: number): number {
    let wait = 0;
    if (this.running) {
      // Of a run that takes longer than expected nobody knows how long: as long again as it is late.
      wait = Math.abs(this.costs.run(this.lastRows) - (now - this.lastClosed));
    }
    if (this.queue.length === 0) return wait;
    const { maxBatchRows, batchable } = this.options;
    return wait + this.costs.drain(this.queue.rowsBefore(priority), batchable ? maxBatchRows : 1);
  }

  /** A request that alone exceeds the limit is let in when nothing waits: the limit bounds waiting, not requests. */
  private fits(rows: number): boolean {
    return this.queue.length === 0 || this.queue.rows + rows <= this.options.maxQueueRows;
  }

  private kept(): number {
    return Math.floor(this.options.maxQueueRows * keptShare);
  }

  /** Takes less urgent requests out of a queue that is full; the error when that is not enough. */
  private makeRoom(rows: number, priority: Priority, now: number): VitrinaError | undefined {
    if (this.fits(rows)) return undefined;
    if (this.sweep(now) && this.fits(rows)) return undefined;
    const kept = this.kept();
    if (this.fits(rows - this.queue.rowsBelow(priority, kept))) {
      while (!this.fits(rows)) {
        const least = this.queue.popBelow(priority, kept);
        if (least === undefined) break;
        this.stats.refused++;
        least.settler.failed(this.overloaded(this.expectedWait(least.priority, now)));
      }
      if (this.fits(rows)) return undefined;
    }
    return this.overloaded(this.expectedWait(priority, now));
  }

  private overloaded(waitMs: number): VitrinaError {
    const fields = { model: this.options.model, queued: this.queue.rows, waitMs: Math.ceil(waitMs) };
    return new VitrinaError('overloaded', fields, retryAfter(waitMs));
  }

  /** Drops what nobody waits for any more, wherever it stands; false when that was done a moment ago. */
  private sweep(now: number): boolean {
    if (now - this.lastSweep < sweepEveryMs || this.queue.length === 0) return false;
    this.lastSweep = now;
    for (const request of this.queue.sweep((item) => isUnwanted(item, now))) this.drop(request, now);
    return true;
  }

  private drop(request: Waiting, now: number): void {
    const { caller, arrived, settler } = request;
    request.settled = true;
    this.stats.dropped++;
    settler.failed(
      caller?.gone
        ? new VitrinaError('request-abandoned', {})
        : new VitrinaError('deadline-exceeded', { waitedMs: Math.round(now - arrived) }),
    );
  }

  private schedule(): void {
    if (this.running || this.turn !== undefined) return;
    const { maxDelayMs } = this.options;
    if (maxDelayMs === 0 || this.isFull) {
      this.runSoon('turn');
      return;
    }
    const first = this.queue.peek(performance.now());
    if (first === undefined || first.arrived - this.lastClosed >= maxDelayMs) this.runSoon('turn');
    else this.runLater(maxDelayMs);
  }

  private next(): void {
    if (this.queue.length === 0) {
      // The next batch will not have waited for this one.
      this.behind = false;
      this.timed = false;
      for (const resolve of this.idle.splice(0)) resolve();
      return;
    }
    const { maxDelayMs } = this.options;
    // A turn of the event loop between batches lets it answer and accept.
    if (maxDelayMs === 0 || this.isFull) this.runSoon('free');
    else {
      const now = performance.now();
      this.runLater(Math.max(0, this.queue.peek(now)!.arrived + maxDelayMs - now));
    }
  }

  /** Whether a whole batch waits. */
  private get isFull(): boolean {
    return this.queue.rows >= this.options.maxBatchRows;
  }

  private runSoon(cause: 'turn' | 'free'): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.turn ??= setImmediate(() => {
      this.turn = undefined;
      this.run(cause);
    });
  }

  private runLater(delayMs: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (!this.running && this.turn === undefined) this.run('delay');
    }, delayMs);
  }

  /**
   * Runs the next batch, and others behind it while many rows wait and the turn is short. One batch a turn would leave
   * the rest of each to those who are read, or refused, meanwhile: a thousand callers could have most of it. Few rows are
   * left to the next turn, so that their callers do not idle while those of the others are answered.
   */
  private run(cause: 'turn' | 'delay' | 'free'): void {
    const began = performance.now();
    if (this.behind) this.costs.drained(this.lastRows, began - this.lastClosed);
    this.behind = false;
    this.lastClosed = began;
    this.lastRows = 0;
    for (let started = began; this.runBatch(started, started === began ? cause : 'free'); started = performance.now()) {
      const { rows } = this.queue;
      if (rows < manyRows || rows < 2 * this.options.maxBatchRows || performance.now() - began > turnMs) {
        this.next();
        return;
      }
    }
  }

  /** Whether it has been computed: false when its session answers later, and goes on then. */
  private runBatch(started: number, cause: 'turn' | 'delay' | 'free'): boolean {
    const batch = this.take(started);
    if (batch.length === 0) return true;
    let rows = 0;
    for (const request of batch) rows += request.rows;
    this.behind = this.queue.length > 0;
    this.lastRows += rows;
    this.running = true;
    const full = rows >= this.options.maxBatchRows || this.behind;
    const closedBy: CloseReason = !this.options.batchable ? 'alone' : full ? 'full' : cause;
    return this.compute(batch, rows, closedBy, started);
  }

  /** On the event loop without a promise: a small graph costs less than one. True when it is done then. */
  private compute(batch: readonly Waiting[], rows: number, closedBy: CloseReason, started: number): boolean {
    const settle = (outputs: Record<string, Tensor>) => this.settle(batch, outputs, rows, closedBy, started);
    const goOn = () => {
      this.finish();
      if (this.isFull) this.run('free');
      else this.next();
    };
    const fail = (error: unknown) => {
      void this.settleFailure(batch, error).then(goOn);
    };
    try {
      const inputs = batch.length === 1 ? batch[0]!.inputs : joinInputs(batch, rows);
      const { runNow } = this.session;
      const running = runNow === undefined ? this.session.run(inputs) : this.runAside(inputs, rows);
      if (running !== undefined) {
        this.computing = batch;
        if (this.timed) this.watchDeadlines();
        running.then(settle).then(goOn, fail);
        return false;
      }
      settle(runNow!(inputs));
    } catch (error) {
      fail(error);
      return false;
    }
    this.finish();
    return true;
  }

  /** Where that has to be, or is worth its hand-over: the event loop reads and answers while a thread computes. */
  private runAside(
    inputs: Readonly<Record<string, Tensor>>,
    rows: number,
  ): Promise<Record<string, Tensor>> | undefined {
    const { runAside, runLarge } = this.session;
    const large = runLarge?.(inputs);
    if (large !== undefined) return large;
    if (runAside === undefined || !isWorthThread(this.costs.runDirectly(rows))) return undefined;
    // Now and then one is computed here: what once was slow would otherwise be handed over for ever.
    return ++this.asides % directlyEvery === 0 ? undefined : runAside(inputs);
  }

  /** Answers those whose deadlines pass while a thread computes, for them or for others before them. */
  private watchDeadlines(): void {
    this.watch ??= setTimeout(() => {
      this.watch = undefined;
      const now = performance.now();
      for (const request of this.computing) {
        if (!request.settled && isLate(request, now)) this.drop(request, now);
      }
      for (const request of this.queue.sweep((item) => isLate(item, now))) this.drop(request, now);
      this.watchDeadlines();
    }, watchEveryMs);
  }

  private finish(): void {
    this.running = false;
    this.computing = [];
    clearTimeout(this.watch);
    this.watch = undefined;
  }

  private settle(
    batch: readonly Waiting[],
    outputs: Record<string, Tensor>,
    rows: number,
    closedBy: CloseReason,
    startedAt: number,
  ): void {
    const now = performance.now();
    const runMs = now - startedAt;
    // All before the first is told: an output that has not a row for each fails the batch as a whole.
    const parts = batch.length === 1 ? [outputs] : divide(batch, outputs, rows);
    this.costs.ran(rows, runMs, this.computing.length > 0);
    this.stats.batch(rows, runMs);
    for (let i = 0; i < batch.length; i++) {
      const request = batch[i]!;
      if (request.settled) continue;
      if (isLate(request, now)) {
        this.drop(request, now);
        continue;
      }
      const waitMs = startedAt - request.arrived;
      request.settled = true;
      this.stats.answer(request.rows, waitMs, runMs);
      request.settler.answered(parts[i]!, { startedAt, waitMs, runMs, batchRows: rows, closedBy });
    }
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
      if (!request.settled && isUnwanted(request, started)) this.drop(request, started);
      if (request.settled) continue;
      await this.session.run(request.inputs).then(
        (outputs) => this.settle([request], outputs, request.rows, 'alone', started),
        (own) => this.fail(request, own),
      );
    }
  }

  private fail(request: Waiting, error: unknown): void {
    if (request.settled) return;
    request.settled = true;
    this.stats.fail(performance.now() - request.arrived);
    request.settler.failed(error);
  }

  /** The next batch: requests in the queue's order that fit and agree in shape; one larger than the limit goes alone. */
  private take(now: number): Waiting[] {
    const { maxBatchRows, batchable } = this.options;
    const batch: Waiting[] = [];
    let rows = 0;
    for (let request = this.queue.peek(now); request !== undefined; request = this.queue.peek(now)) {
      if (isUnwanted(request, now)) {
        this.queue.shift(now);
        this.drop(request, now);
        continue;
      }
      const first = batch[0];
      if (first !== undefined) {
        if (!batchable || rows + request.rows > maxBatchRows || request.shapeKey !== first.shapeKey) break;
      }
      this.queue.shift(now);
      batch.push(request);
      rows += request.rows;
    }
    return batch;
  }
}

const isLate = ({ caller }: Waiting, now: number): boolean => caller?.deadline !== undefined && caller.deadline <= now;

const isUnwanted = (request: Waiting, now: number): boolean => request.caller?.gone === true || isLate(request, now);

function divide(batch: readonly Waiting[], outputs: Record<string, Tensor>, rows: number): Record<string, Tensor>[] {
  const parts: Record<string, Tensor>[] = [];
  let from = 0;
  for (const request of batch) {
    parts.push(sliceOutputs(outputs, from, request.rows, rows));
    from += request.rows;
  }
  return parts;
}

/** In whole seconds, as the header wants it. */
function retryAfter(waitMs: number): { headers: Record<string, string> } {
  return { headers: { 'retry-after': String(Math.min(60, Math.max(1, Math.ceil(waitMs / 1000)))) } };
}
