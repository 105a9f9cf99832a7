import { sql } from 'kysely';
import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/index.js';
import type { JobAttemptsTable } from '../../storage/schema.js';
import type { JobRow, JobState } from './job.js';
import { isJobId } from './job-id.js';
import type { Waking } from './job-queue.js';
import { countEnded } from './outcomes.js';

/** Which jobs are listed: the newest first. */
export interface JobFilter {
  readonly state?: JobState;
  readonly name?: string;
  /** Only those that this user asked for. */
  readonly owner?: number;
  /** Id of the last job seen. */
  readonly before?: string;
  readonly limit: number;
}

export interface JobCounts {
  readonly name: string;
  readonly state: JobState;
  readonly count: number;
}

/** Looks at jobs, and changes their course. `owner` everywhere: only that user's jobs exist. */
export class JobDesk {
  constructor(
    private readonly storage: Storage,
    private readonly wake: (jobs: readonly Waking[]) => void = () => undefined,
  ) {}

  async list({ state, name, owner, before, limit }: JobFilter): Promise<JobRow[]> {
    return this.storage.db
      .selectFrom('jobs')
      .selectAll()
      .$if(state !== undefined, (query) => query.where('state', '=', state!))
      .$if(name !== undefined, (query) => query.where('name', '=', name!))
      .$if(owner !== undefined, (query) => query.where('owner', '=', owner!))
      .$if(before !== undefined, (query) => query.where('id', '<', before!))
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
  }

  /** @throws VitrinaError `job-unknown` */
  async find(id: string, owner?: number): Promise<JobRow> {
    const row = isJobId(id)
      ? await this.storage.db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
      : undefined;
    if (row === undefined || (owner !== undefined && row.owner !== owner)) {
      throw new VitrinaError('job-unknown', { job: JSON.stringify(id.slice(0, 40)) });
    }
    return row;
  }

  /** The jobs of a kind whose idempotency keys begin with `prefix` (letters, digits, `-`, `:`), the oldest first. */
  listByKeyPrefix(name: string, prefix: string): Promise<JobRow[]> {
    return this.storage.db
      .selectFrom('jobs')
      .selectAll()
      .where('name', '=', name)
      .where('idempotency_key', 'like', `${prefix}%`)
      .orderBy('id')
      .execute();
  }

  /** Attempts that failed, the oldest first. */
  attempts(id: string): Promise<JobAttemptsTable[]> {
    return this.storage.db.selectFrom('job_attempts').selectAll().where('job_id', '=', id).orderBy('attempt').execute();
  }

  /**
   * Ends a job before its time. One that waits is cancelled at once; one that runs is told to stop, and is cancelled when
   * its worker has heard (a third of a lease at most).
   *
   * @throws VitrinaError `job-unknown`, `job-state-conflict`
   */
  async cancel(id: string, owner?: number): Promise<JobRow> {
    const row = await this.find(id, owner);
    const now = Date.now();
    await this.storage.db.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('jobs')
        .set({
          state: 'cancelled',
          cancel_at: now,
          finished_at: now,
          expires_at: now + row.retention_ms,
          error: JSON.stringify({ code: 'job-cancelled', message: 'The job was cancelled before it ran.' }),
        })
        .where('id', '=', id)
        .where('state', 'in', ['queued', 'scheduled'])
        .executeTakeFirst();
      if (numUpdatedRows > 0n) return countEnded(transaction, [row.name], 'cancelled');
      await transaction
        .updateTable('jobs')
        .set({ cancel_at: now })
        .where('id', '=', id)
        .where('state', '=', 'running')
        .execute();
    });
    const after = await this.find(id, owner);
    if (after.state !== 'cancelled' && after.cancel_at === null) {
      const { state } = after;
      throw new VitrinaError('job-state-conflict', {
        job: id,
        state,
        act: 'cancelled',
        expected: 'waiting or running',
      });
    }
    return after;
  }

  /**
   * Lets a job that failed or was cancelled run anew, with all its attempts before it.
   *
   * @throws VitrinaError `job-unknown`, `job-state-conflict`
   */
  async retry(id: string, owner?: number): Promise<JobRow> {
    const row = await this.find(id, owner);
    const now = Date.now();
    const { numUpdatedRows } = await this.storage.db
      .updateTable('jobs')
      .set((column) => ({
        state: 'queued' as const,
        announced: 0,
        run_at: now,
        attempts_before: column.ref('attempts'),
        give_up_at: row.give_up_ms === null ? null : now + row.give_up_ms,
        cancel_at: null,
        finished_at: null,
        expires_at: null,
      }))
      .where('id', '=', id)
      .where('state', 'in', ['failed', 'cancelled'])
      .executeTakeFirst();
    if (numUpdatedRows === 0n) {
      const { state } = await this.find(id, owner);
      throw new VitrinaError('job-state-conflict', {
        job: id,
        state,
        act: 'tried anew',
        expected: 'failed or cancelled',
      });
    }
    this.wake([{ id, priority: row.priority }]);
    return this.find(id, owner);
  }

  /** Whether a worker would find anything to do, now or later; jobs that recur are always something. */
  async pending(): Promise<boolean> {
    const { db } = this.storage;
    const waiting = db
      .selectFrom('jobs')
      .select('id')
      .where('state', 'in', ['queued', 'scheduled', 'running'])
      .limit(1);
    if ((await waiting.executeTakeFirst()) !== undefined) return true;
    return (await db.selectFrom('job_schedules').select('name').limit(1).executeTakeFirst()) !== undefined;
  }

  /** How many jobs of each kind wait and run. */
  async counts(): Promise<JobCounts[]> {
    const counts: JobCounts[] = [];
    // One state at a time, each of which has an index of its own.
    for (const state of ['scheduled', 'queued', 'running'] as const) {
      const rows = await this.storage.db
        .selectFrom('jobs')
        .select(['name', (column) => column.fn.countAll<number | string>().as('count')])
        .where('state', '=', sql.lit(state))
        .groupBy('name')
        .execute();
      counts.push(...rows.map(({ name, count }) => ({ name, state, count: Number(count) })));
    }
    return counts;
  }

  /** How many jobs have ended since the database was made, and how. */
  totals() {
    return this.storage.db.selectFrom('job_totals').selectAll().execute();
  }
}
