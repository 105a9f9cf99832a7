import { sql } from 'kysely';
import type { Storage } from '../../storage/index.js';
import type { Holder } from './claims.js';

/** Renews the leases of all that the worker runs; for each its id, and when somebody asked it to end. */
export async function extendLeases(
  db: Storage['db'],
  { worker, leaseUntil }: Holder,
): Promise<ReadonlyMap<string, number | null>> {
  const rows = await db
    .updateTable('jobs')
    .set({ lease_until: leaseUntil })
    .where('worker', '=', worker)
    .where('state', '=', 'running')
    .returning(['id', 'cancel_at'])
    .execute();
  return new Map(rows.map(({ id, cancel_at }) => [id, cancel_at]));
}

/** Makes those queued whose time has come; gives them. */
export async function promote(db: Storage['db'], now: number): Promise<{ id: string; priority: number }[]> {
  const due = db.selectFrom('jobs').select('id').where('state', '=', 'scheduled').where('run_at', '<=', now).limit(500);
  const first = await due.limit(1).executeTakeFirst();
  if (first === undefined) return [];
  return db
    .updateTable('jobs')
    .set({ state: 'queued', announced: 0 })
    .where('id', 'in', due)
    .where('state', '=', 'scheduled')
    .returning(['id', 'priority'])
    .execute();
}

/** Jobs whose worker has said nothing for the time of its lease. */
export function findLost(db: Storage['db'], kinds: readonly string[], now: number) {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('state', '=', 'running')
    .where('lease_until', '<', now)
    .where('name', 'in', [...kinds])
    .limit(100)
    .execute();
}

/** Queued jobs of which the broker has not been told; the oldest first. */
export function findUnannounced(db: Storage['db'], before: number) {
  return db
    .selectFrom('jobs')
    .select(['id', 'priority'])
    .where('state', '=', 'queued')
    .where('announced', '=', 0)
    .where('run_at', '<=', before)
    .orderBy('id')
    .limit(500)
    .execute();
}

/** The broker has confirmed that it knows of these. */
export async function markAnnounced(storage: Storage, ids: readonly string[]): Promise<void> {
  await sql`update jobs set announced = 1
    where state = 'queued' and announced = 0 and ${among(storage.kind, ids)}`.execute(storage.db);
}

/** That a job is one of these: one parameter, however many they are. */
export const among = (kind: Storage['kind'], ids: readonly string[]) =>
  kind === 'postgres' ? sql`id = any(${[...ids]})` : sql`id in (select value from json_each(${JSON.stringify(ids)}))`;

/** Removes ended jobs whose time is over, some hundreds of them; gives them. */
export function removeExpired(db: Storage['db'], now: number): Promise<{ id: string; name: string }[]> {
  return db
    .deleteFrom('jobs')
    .where('id', 'in', db.selectFrom('jobs').select('id').where('expires_at', '<', now).limit(500))
    .returning(['id', 'name'])
    .execute();
}
