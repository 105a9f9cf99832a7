import { type Kysely, sql } from 'kysely';
import type { Storage } from '../../storage/index.js';
import type { Database } from '../../storage/schema.js';
import { type ClaimedJob, claimedColumns } from './job.js';
import { among } from './leases.js';

/** Who runs jobs, and until when it counts as alive. */
export interface Holder {
  readonly worker: string;
  readonly now: number;
  readonly leaseUntil: number;
}

/** Serialises the claims of jobs with limits on PostgreSQL; SQLite has one writer at a time. "jobs" in ASCII. */
const limitsLock = 0x6a6f6273;

/**
 * Gives the worker at most `most` queued jobs of the kinds it knows, those of high priority and then the oldest first.
 * Several workers that claim at once get different jobs.
 */
export async function claim(
  storage: Storage,
  kinds: readonly string[],
  most: number,
  holder: Holder,
): Promise<ClaimedJob[]> {
  if (most === 0 || kinds.length === 0) return [];
  const rows = await claimUnlimited(storage, kinds, most, holder);
  if (rows.length === most) return rows;
  return [...rows, ...(await claimLimited(storage, kinds, most - rows.length, holder))];
}

/** Those of the jobs named that are queued still, and whose limits allow it. */
export async function claimByIds(
  storage: Storage,
  kinds: readonly string[],
  ids: readonly string[],
  holder: Holder,
): Promise<ClaimedJob[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<ClaimedJob>`
    update jobs set ${taken(holder)}
    where id in (select id from jobs where state = 'queued' and limited = 0 and name in (${sql.join(kinds)}) and ${among(storage.kind, ids)}
      ${skipLocked(storage)})
    returning ${needed}`.execute(storage.db);
  return inOrder(rows);
}

async function claimUnlimited(storage: Storage, kinds: readonly string[], most: number, holder: Holder) {
  const { rows } = await sql<ClaimedJob>`
    update jobs set ${taken(holder)}
    where id in (select id from jobs where state = 'queued' and limited = 0 and name in (${sql.join(kinds)})
      order by priority desc, id limit ${sql.lit(most)} ${skipLocked(storage)})
    returning ${needed}`.execute(storage.db);
  return inOrder(rows);
}

/** One after the other, so that each counts those before it. */
async function claimLimited(storage: Storage, kinds: readonly string[], most: number, holder: Holder) {
  const waiting = storage.db
    .selectFrom('jobs')
    .select('id')
    .where('state', '=', 'queued')
    .where('limited', '=', 1)
    .limit(1);
  if ((await waiting.executeTakeFirst()) === undefined) return [];
  return storage.db.transaction().execute(async (transaction) => {
    if (storage.kind === 'postgres')
      await sql`select pg_advisory_xact_lock(${sql.lit(limitsLock)})`.execute(transaction);
    const claimed: ClaimedJob[] = [];
    while (claimed.length < most) {
      const row = await claimOneLimited(transaction, kinds, holder);
      if (row === undefined) break;
      claimed.push(row);
    }
    return claimed;
  });
}

async function claimOneLimited(db: Kysely<Database>, kinds: readonly string[], holder: Holder) {
  const { rows } = await sql<ClaimedJob>`
    update jobs set ${taken(holder)}
    where id = (select id from jobs where state = 'queued' and limited = 1 and name in (${sql.join(kinds)})
      and (name_limit is null or name_limit > (select count(*) from jobs other
        where other.state = 'running' and other.name = jobs.name))
      and (key_limit is null or key_limit > (select count(*) from jobs other
        where other.state = 'running' and other.limit_key = jobs.limit_key))
      order by priority desc, id limit 1)
    returning ${needed}`.execute(db);
  return rows[0];
}

/** What a worker has to know of a job. */
const needed = sql.raw(claimedColumns.join(', '));

const taken = ({ worker, now, leaseUntil }: Holder) =>
  sql`state = 'running', worker = ${worker}, lease_until = ${leaseUntil}, attempts = attempts + 1, started_at = ${now}`;

/** What another worker is claiming at this moment is passed over, not waited for. */
const skipLocked = ({ kind }: Storage) => (kind === 'postgres' ? sql`for update skip locked` : sql``);

/** `returning` gives rows in any order. */
const inOrder = (rows: ClaimedJob[]) =>
  rows.sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
