import { setTimeout as sleep } from 'node:timers/promises';
import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/index.js';
import type { ClaimedJob } from './job.js';
import type { Done, Failed, JobRun, Outcome } from './job-run.js';
import type { JobLog } from './job-worker.js';
import { setBack, succeed } from './outcomes.js';

/** Milliseconds before a database that was away is tried again. */
const retryMs = 250;

/** The outcome belongs to somebody else by now: nothing of it is written. */
class NotOurs extends Error {}

/**
 * Writes how jobs ended. Successes that come while others are written go in one statement; while the database is away they
 * are kept, and written when it is back: by then the jobs may be another worker's, which the statements see.
 */
export class ResultWriter {
  private readonly waiting: Outcome[] = [];
  private writing: Promise<void> | undefined;
  private closed = false;
  private progressing = false;

  constructor(
    private readonly storage: Storage,
    private readonly worker: string,
    private readonly log: JobLog,
    /** Told of each job when its end is written. */
    private readonly written: (row: ClaimedJob) => void,
  ) {}

  write(outcome: Outcome): void {
    this.waiting.push(outcome);
    this.writing ??= this.drain();
  }

  /** A last attempt at what is left. */
  async close(): Promise<void> {
    this.closed = true;
    await this.writing;
  }

  /** Writes how far jobs say they are. What is lost of it is told again. */
  async writeProgress(runs: readonly JobRun[]): Promise<void> {
    if (this.progressing) return;
    this.progressing = true;
    for (const run of runs) {
      const { progress, row } = run;
      if (progress === undefined) continue;
      run.progress = undefined;
      await this.storage.db
        .updateTable('jobs')
        .set({ progress })
        .where('id', '=', row.id)
        .where('worker', '=', this.worker)
        .where('attempts', '=', row.attempts)
        .execute()
        .catch(() => {
          run.progress ??= progress;
        });
    }
    this.progressing = false;
  }

  private async drain(): Promise<void> {
    // What ends in the same turn goes along.
    await new Promise(setImmediate);
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0);
      try {
        await this.writeAll(batch);
      } catch (error) {
        this.log.warn({ err: error }, 'How jobs ended could not be written; it is tried again.');
        if (this.closed) break;
        await sleep(retryMs);
      }
    }
    this.writing = undefined;
  }

  /** Writes what it can; what could not be written waits again, and the error is thrown. */
  private async writeAll(batch: readonly Outcome[]): Promise<void> {
    const plain = batch.flatMap((outcome) => (outcome.kind === 'done' && outcome.acts.length === 0 ? [outcome] : []));
    const others = batch.filter((outcome) => outcome.kind === 'failed' || outcome.acts.length > 0);
    let failed: unknown;
    const attempt = async (outcomes: readonly Outcome[], act: () => Promise<unknown>) => {
      try {
        await act();
        for (const outcome of outcomes) this.written(rowOf(outcome));
      } catch (error) {
        failed = error;
        this.waiting.push(...outcomes);
      }
    };
    if (plain.length > 0) {
      const done = plain.map(({ success }) => success);
      await attempt(plain, () =>
        this.inTransaction((transaction) => succeed(transaction, this.storage.kind, this.worker, done)),
      );
    }
    for (const outcome of others) await attempt([outcome], () => this.writeOne(outcome));
    if (failed !== undefined) throw failed;
  }

  private async writeOne(outcome: Outcome): Promise<void> {
    try {
      await (outcome.kind === 'done' ? this.writeDone(outcome) : this.writeFailed(outcome));
    } catch (error) {
      if (error instanceof NotOurs) return;
      if (isAway(error)) throw error;
      // What belongs to the end is at fault, and would be again.
      await this.writeFailed(outcome.kind === 'done' ? outcome.failing(error) : { ...outcome, ended: undefined });
      if (outcome.kind === 'failed')
        this.log.error({ err: error, job: rowOf(outcome).id }, 'What follows the end of a job failed.');
    }
  }

  private writeDone({ success, acts }: Done): Promise<void> {
    return this.inTransaction(async (transaction) => {
      if (!(await succeed(transaction, this.storage.kind, this.worker, [success])).has(success.row.id))
        throw new NotOurs();
      for (const act of acts) await act(transaction);
    });
  }

  private writeFailed({ setback, ended }: Failed): Promise<void> {
    return this.inTransaction(async (transaction) => {
      if (!(await setBack(transaction, setback, this.worker))) throw new NotOurs();
      await ended?.(transaction);
    });
  }

  private inTransaction<T>(act: (transaction: Parameters<typeof setBack>[0]) => Promise<T>): Promise<T> {
    return this.storage.db.transaction().execute(act);
  }
}

const isAway = (error: unknown) => error instanceof VitrinaError && error.status === 503;
const rowOf = (outcome: Outcome): ClaimedJob => (outcome.kind === 'done' ? outcome.success.row : outcome.setback.row);
