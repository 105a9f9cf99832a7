import { Cron } from 'croner';
import type { Storage } from '../../storage/index.js';
import type { JobDefinition } from './job.js';
import type { JobQueue, Waking } from './job-queue.js';
import { endOf, nextAttempt } from './job-run.js';
import type { JobLog } from './job-worker.js';
import { findLost, findUnannounced, promote, removeExpired } from './leases.js';
import { setBack } from './outcomes.js';

export interface JobSweeperOptions {
  readonly storage: Storage;
  readonly queue: JobQueue;
  readonly definitions: readonly JobDefinition[];
  /** Told of jobs that may run now. */
  readonly wake: (jobs: readonly Waking[]) => void;
  /** Whether a broker is to be told of jobs. */
  readonly announcing: boolean;
  readonly log: JobLog;
  readonly clock?: () => number;
  readonly everyMs?: number;
}

const usualMs = 1_000;
const cleaningMs = 60_000;
/** A job whose asker is still about to tell the broker itself. */
const announceAfterMs = 2_000;

const lost = {
  code: 'job-worker-lost',
  message: 'The worker that ran the job stopped answering.',
} as const;

/**
 * What time does to jobs: those whose moment has come are queued, those of dead workers go to others, recurring ones are
 * made, ended ones are removed. Every worker sweeps; each act is decided by one statement, so that it happens once.
 */
export class JobSweeper {
  private readonly byName: ReadonlyMap<string, JobDefinition>;
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> | undefined;
  private cleanedAt = 0;
  private complained = false;

  constructor(private readonly options: JobSweeperOptions) {
    this.byName = new Map(options.definitions.map((definition) => [definition.name, definition]));
  }

  start(): void {
    const { everyMs = usualMs } = this.options;
    const next = () => {
      // Workers that were started together do not stay together.
      this.timer = setTimeout(() => void this.sweep().finally(next), everyMs * (0.75 + Math.random() / 2));
    };
    void this.sweep().finally(next);
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    await this.sweeping;
    clearTimeout(this.timer);
  }

  /** One round. Never fails: what could not be done is done in the next. */
  sweep(): Promise<void> {
    this.sweeping ??= this.round()
      .then(() => {
        this.complained = false;
      })
      .catch((error: unknown) => {
        if (!this.complained)
          this.options.log.warn({ err: error }, 'Jobs could not be looked after; it is tried again.');
        this.complained = true;
      })
      .finally(() => {
        this.sweeping = undefined;
      });
    return this.sweeping;
  }

  private async round(): Promise<void> {
    const { storage, wake, announcing } = this.options;
    const now = (this.options.clock ?? Date.now)();
    await this.takeFromTheDead(now);
    await this.makeRecurring(now);
    const due = await promote(storage.db, now);
    if (due.length > 0) wake(due);
    if (announcing) {
      const unannounced = await findUnannounced(storage.db, now - announceAfterMs);
      if (unannounced.length > 0) wake(unannounced);
    }
    if (now - this.cleanedAt < cleaningMs) return;
    const removed = await removeExpired(storage.db, now);
    for (const { id, name } of removed) await this.byName.get(name)?.removed?.(id);
    // Many are removed in several rounds.
    if (removed.length < 500) this.cleanedAt = now;
  }

  private async takeFromTheDead(now: number): Promise<void> {
    const { storage } = this.options;
    if (this.byName.size === 0) return;
    for (const row of await findLost(storage.db, [...this.byName.keys()], now)) {
      const definition = this.byName.get(row.name)!;
      const cancelled = row.cancel_at !== null;
      // The next worker need not wait: the time of the lease has passed already.
      const retried = cancelled ? undefined : nextAttempt(row, definition, now);
      const setback = {
        row,
        failure: lost,
        at: now,
        nextAt: retried === undefined ? undefined : now,
        state: cancelled ? ('cancelled' as const) : ('failed' as const),
      };
      await storage.db.transaction().execute(async (transaction) => {
        if (await setBack(transaction, setback, undefined)) await endOf(setback, definition)?.(transaction);
      });
    }
  }

  private async makeRecurring(now: number): Promise<void> {
    const { storage, queue } = this.options;
    for (const definition of this.options.definitions) {
      const { schedule, name } = definition;
      if (schedule === undefined) continue;
      const { cron, timeZone = 'UTC' } = schedule;
      const text = `${cron} ${timeZone}`;
      const nextAt = new Cron(cron, { timezone: timeZone }).nextRun(new Date(now))?.getTime();
      if (nextAt === undefined) continue;
      const known = await storage.db
        .selectFrom('job_schedules')
        .selectAll()
        .where('name', '=', name)
        .executeTakeFirst();
      if (known === undefined || known.cron !== text) {
        await storage.db
          .insertInto('job_schedules')
          .values({ name, cron: text, next_at: nextAt })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ cron: text, next_at: nextAt }))
          .execute();
        continue;
      }
      if (known.next_at > now) continue;
      // One of those who see it moves it on, and makes the job; what was missed while nobody worked is made up once.
      const announce = await storage.db.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('job_schedules')
          .set({ next_at: nextAt })
          .where('name', '=', name)
          .where('next_at', '=', known.next_at)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return undefined;
        const idempotencyKey = `schedule:${known.next_at}`;
        return (await queue.enqueueIn(transaction, definition, {}, { idempotencyKey })).announce;
      });
      announce?.();
    }
  }
}
