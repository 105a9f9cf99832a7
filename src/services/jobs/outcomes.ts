import { sql } from 'kysely';
import type { Storage } from '../../storage/index.js';
import type { ClaimedJob, JobFailure, JobTransaction } from './job.js';

/** A job that a worker has done. */
export interface Success {
  readonly row: ClaimedJob;
  /** JSON. */
  readonly result: string;
  /** What it told last of its progress, if that has not been written yet; JSON. */
  readonly progress: string | null;
  readonly at: number;
}

/** What becomes of a job whose attempt has failed. */
export interface Setback {
  readonly row: ClaimedJob;
  readonly failure: JobFailure;
  readonly at: number;
  /** When the next attempt begins; `undefined`: there is none. */
  readonly nextAt: number | undefined;
  readonly state: 'failed' | 'cancelled';
}

type Connection = Storage['db'] | JobTransaction;

/** Writes what was done, where it is the worker's still; the ids of those where it was. */
export async function succeed(
  db: Connection,
  kind: Storage['kind'],
  worker: string,
  done: readonly Success[],
): Promise<ReadonlySet<string>> {
  const given = JSON.stringify(
    done.map(({ row: { id, attempts, retention_ms }, result, progress, at }) => ({
      id,
      attempts,
      result,
      progress,
      at,
      expires_at: at + retention_ms,
    })),
  );
  const source =
    kind === 'postgres'
      ? sql`json_to_recordset(${given}::json) as given
          (id text, attempts integer, result text, progress text, at bigint, expires_at bigint)`
      : sql`(select ${sql.join(
          ['id', 'attempts', 'result', 'progress', 'at', 'expires_at'].map(
            (name) => sql`value ->> ${sql.lit(name)} as ${sql.id(name)}`,
          ),
        )} from json_each(${given})) as given`;
  const { rows } = await sql<{ id: string; name: string }>`
    update jobs set state = 'succeeded', worker = null, lease_until = null, error = null, give_up_at = null,
      result = given.result, finished_at = given.at, expires_at = given.expires_at,
      progress = coalesce(given.progress, jobs.progress)
    from ${source}
    where jobs.id = given.id and jobs.attempts = given.attempts and jobs.worker = ${worker} and jobs.state = 'running'
    returning jobs.id, jobs.name`.execute(db);
  await countEnded(
    db,
    rows.map(({ name }) => name),
    'succeeded',
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * Writes that an attempt has failed, and what follows. False where the job was another's by then.
 *
 * @param holder the worker that ran it, or `undefined` for one whose lease ran out before `at`
 */
export async function setBack(
  transaction: JobTransaction,
  { row, failure, at, nextAt, state }: Setback,
  holder: string | undefined,
): Promise<boolean> {
  const error = JSON.stringify(failure);
  const ended = nextAt === undefined;
  const { numUpdatedRows } = await transaction
    .updateTable('jobs')
    .set({
      state: ended ? state : 'scheduled',
      worker: null,
      lease_until: null,
      error,
      announced: 0,
      ...(ended ? { finished_at: at, expires_at: at + row.retention_ms } : { run_at: nextAt }),
    })
    .where('id', '=', row.id)
    .where('state', '=', 'running')
    .where('attempts', '=', row.attempts)
    .$if(holder !== undefined, (query) => query.where('worker', '=', holder!))
    .$if(holder === undefined, (query) => query.where('lease_until', '<', at))
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await transaction
    .insertInto('job_attempts')
    .values({ job_id: row.id, attempt: row.attempts, started_at: row.started_at ?? at, finished_at: at, error })
    .execute();
  if (ended) await countEnded(transaction, [row.name], state);
  return true;
}

/** Counts for `vitrina_jobs_finished_total`. */
export async function countEnded(
  db: Connection,
  names: readonly string[],
  outcome: 'succeeded' | 'failed' | 'cancelled',
): Promise<void> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  // Everybody in the same order, so that nobody waits for each other in a circle.
  for (const [name, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await db
      .insertInto('job_totals')
      .values({ name, outcome, count })
      .onConflict((conflict) =>
        conflict.columns(['name', 'outcome']).doUpdateSet({ count: sql`job_totals.count + ${sql.lit(count)}` }),
      )
      .execute();
  }
}

/** Jobs that a worker will not come to: they wait for another one, as if they had not been taken. */
export async function giveBack(db: Connection, worker: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .updateTable('jobs')
    .set((row) => ({
      state: 'queued' as const,
      worker: null,
      lease_until: null,
      announced: 0,
      attempts_before: row('attempts_before', '+', 1),
    }))
    .where('worker', '=', worker)
    .where('state', '=', 'running')
    .where('id', 'in', [...ids])
    .execute();
}
