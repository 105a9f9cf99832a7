import { type Kysely, sql } from 'kysely';
import type { Database } from '../../storage/schema.js';

export type Connection = Kysely<Database>;

/** Units of one subject, counted in one period. */
export interface Taken {
  readonly subject: string;
  readonly period: string;
  readonly units: number;
}

/** A row of `quota_reservations`. */
export interface ReservationRow extends Taken {
  readonly id: string;
  readonly expires_at: number;
}

/**
 * Counts `units` if they fit under `limit`, in one statement; what was used then, or nothing where they do not fit.
 *
 * @param before a period whose count weighs in by `share`
 */
export async function count(
  db: Connection,
  { subject, period, units, expiresAt }: Taken & { readonly expiresAt: number },
  limit: number,
  before: { readonly period: string; readonly share: number } = { period: '', share: 0 },
): Promise<number | undefined> {
  const weighed = sql`(coalesce((select earlier.used from quota_counters earlier
    where earlier.subject = ${subject} and earlier.period = ${before.period}), 0) * cast(${before.share} as double precision))`;
  const taken = sql`cast(${units} as integer)`;
  const { rows } = await sql<{ used: number }>`
    insert into quota_counters (subject, period, used, expires_at)
    select cast(${subject} as text), cast(${period} as text), ${taken}, cast(${expiresAt} as bigint)
    where ${taken} + ${weighed} <= cast(${limit} as integer)
    on conflict (subject, period) do update set used = quota_counters.used + ${taken}
    where quota_counters.used + ${taken} + ${weighed} <= cast(${limit} as integer)
    returning used`.execute(db);
  return rows[0]?.used;
}

export async function countDown(db: Connection, { subject, period, units }: Taken): Promise<void> {
  await db
    .updateTable('quota_counters')
    .set((row) => ({ used: row('used', '-', units) }))
    .where('subject', '=', subject)
    .where('period', '=', period)
    .execute();
}

/** Removes a reservation whose units stay counted. True when it was there. */
export async function forget(db: Connection, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('quota_reservations').where('id', '=', id).executeTakeFirst();
  return numDeletedRows > 0n;
}

/** Removes a reservation and counts its units down, both or neither. True when it was there. */
export async function release(db: Connection, id: string): Promise<boolean> {
  return within(db, async (transaction) => {
    const rows = await transaction
      .deleteFrom('quota_reservations')
      .where('id', '=', id)
      .returning(['subject', 'period', 'units'])
      .execute();
    // The order in which they are taken.
    for (const row of rows.sort((a, b) => (a.period < b.period ? -1 : 1))) await countDown(transaction, row);
    return rows.length > 0;
  });
}

/**
 * As `release`, for a reservation of which nobody can say whether it was made, or is still being made: writing rows of
 * the same key waits until that is over.
 */
export async function abandon(db: Connection, id: string, rows: readonly ReservationRow[]): Promise<void> {
  await within(db, async (transaction) => {
    await transaction
      .insertInto('quota_reservations')
      .values(rows.map((row) => ({ ...row, units: 0 })))
      .onConflict((conflict) => conflict.columns(['id', 'period']).doNothing())
      .execute();
    await release(transaction, id);
  });
}

/** In the transaction that there is, or in one of its own. */
function within<T>(db: Connection, work: (transaction: Connection) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : db.transaction().execute(work);
}
