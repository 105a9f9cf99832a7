import { VitrinaError } from '../../errors.js';
import { retryDelay } from '../outbound/index.js';
import {
  type ClaimedJob,
  defaultRetry,
  type JobContext,
  type JobDefinition,
  type JobFailure,
  JobPostponed,
  JobRefused,
  type JobTransaction,
} from './job.js';
import type { JobLog } from './job-worker.js';
import type { Setback, Success } from './outcomes.js';

/** How an attempt ended, and what has to be written together with that. */
export type Outcome = Done | Failed;

export interface Done {
  readonly kind: 'done';
  readonly success: Success;
  readonly acts: readonly Act[];
  /** What becomes of it when its acts fail. */
  readonly failing: (error: unknown) => Failed;
}

export interface Failed {
  readonly kind: 'failed';
  readonly setback: Setback;
  readonly ended: Act | undefined;
}

type Act = (transaction: JobTransaction) => Promise<void>;

const usualTimeoutMs = 3_600_000;

/** One attempt of one job. */
export class JobRun {
  /** What it has told of its progress since that was written; JSON. */
  progress: string | undefined;
  private readonly abort = new AbortController();
  private abandoned = false;
  private cancelled = false;

  constructor(
    readonly row: ClaimedJob,
    private readonly definition: JobDefinition,
    private readonly now: () => number,
    private readonly log: JobLog,
  ) {}

  /** Runs it. `undefined` when it was abandoned: what it did is for nobody to write. */
  async start(): Promise<Outcome | undefined> {
    const { timeoutMs = usualTimeoutMs } = this.definition;
    const acts: Act[] = [];
    const timer = setTimeout(() => this.abort.abort(new JobTimeout(timeoutMs)), timeoutMs).unref();
    try {
      const result = await this.within(this.definition.run(this.context(acts)));
      if (this.abandoned) return undefined;
      const text = JSON.stringify(result ?? null);
      const success = { row: this.row, result: text, progress: this.progress ?? null, at: this.now() };
      return { kind: 'done', success, acts, failing: (error) => this.failed(error) };
    } catch (error) {
      return this.abandoned ? undefined : this.failed(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Somebody asked it to end: it fails for good, as cancelled. */
  cancel(): void {
    this.cancelled = true;
    this.abort.abort(new JobRefused('The job was cancelled while it ran.', 'job-cancelled'));
  }

  /** It is no longer this worker's. */
  abandon(reason: Error): void {
    this.abandoned = true;
    this.abort.abort(reason);
  }

  /** Ends with the job, or with its signal: a job that does not listen must not keep its place for ever. */
  private within<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.abort;
    return new Promise<T>((resolve, reject) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }

  private context(acts: Act[]): JobContext {
    const { row } = this;
    return {
      id: row.id,
      input: JSON.parse(row.input),
      attempt: row.attempts - row.attempts_before,
      attempts: row.attempts,
      createdAt: new Date(row.created_at),
      owner: row.owner,
      keyId: row.key_id,
      signal: this.abort.signal,
      progress: (value) => {
        this.progress = JSON.stringify(value);
      },
      whenDone: (act) => void acts.push(act),
    };
  }

  private failed(error: unknown): Failed {
    const { row, definition } = this;
    const at = this.now();
    const failure = this.describe(error);
    const nextAt = this.cancelled || isFinal(error) ? undefined : nextAttempt(row, definition, at, error);
    const state = this.cancelled ? ('cancelled' as const) : ('failed' as const);
    const setback: Setback = { row, failure, at, nextAt, state };
    return { kind: 'failed', setback, ended: endOf(setback, definition) };
  }

  private describe(error: unknown): JobFailure {
    if (error instanceof VitrinaError || error instanceof JobRefused)
      return { code: error.code, message: error.message };
    if (error instanceof JobPostponed) return { code: 'job-postponed', message: error.message };
    if (error instanceof JobTimeout) return { code: 'job-timeout', message: error.message };
    this.log.error({ err: error, job: this.row.id, name: this.row.name }, 'A job met a fault of its own.');
    return {
      code: 'internal',
      message: 'The job met a fault of its own; the log of the worker names it under the job’s id.',
    };
  }
}

/** What the definition does in the transaction that ends the job; nothing where another attempt follows. */
export function endOf(setback: Setback, definition: JobDefinition): Act | undefined {
  const { row, failure, nextAt, state } = setback;
  const { ended } = definition;
  if (nextAt !== undefined || ended === undefined) return undefined;
  return (transaction) =>
    ended(transaction, { id: row.id, attempts: row.attempts, input: JSON.parse(row.input), state, error: failure });
}

/** When the next attempt begins; `undefined` when there is none. */
export function nextAttempt(
  row: ClaimedJob,
  { retry }: JobDefinition,
  now: number,
  error?: unknown,
): number | undefined {
  const { firstDelayMs, mostDelayMs } = { ...defaultRetry, ...retry };
  const done = row.attempts - row.attempts_before;
  if (done >= row.max_attempts) return undefined;
  const least = error instanceof JobPostponed ? error.delayMs : 0;
  const nextAt = now + Math.max(least, retryDelay(done, { firstMs: firstDelayMs, mostMs: mostDelayMs }));
  return row.give_up_at !== null && nextAt > row.give_up_at ? undefined : nextAt;
}

/** What is refused once is refused again; what was too much (429) or took too long (408) may not be the next time. */
function isFinal(error: unknown): boolean {
  if (error instanceof VitrinaError) return error.status < 500 && error.status !== 429 && error.status !== 408;
  return error instanceof JobRefused;
}

class JobTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`The job took longer than the ${timeoutMs / 1000} s that an attempt may take.`);
  }
}
