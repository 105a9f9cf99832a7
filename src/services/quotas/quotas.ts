import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { Limits, RateLimit } from './limits.js';
import { type Period, periodOf } from './periods.js';

type Connection = Storage['db'];

/** Units that were taken for something whose outcome is not known yet. One of the two must be called, once. */
export interface Reservation {
  readonly id: string;
  /** What has been used of the calendar month with these units; of the day where no month is limited. */
  readonly used: number;
  /**
   * The units stay used. `record` is done in the same transaction, so that what is counted and what is recorded are the
   * same even when the database dies.
   *
   * @throws VitrinaError `storage-unavailable`: then neither is done, or `undo` will have undone both
   */
  settle(record?: SettledRecord): Promise<void>;
  /** The units are free again. Never fails: what the database does not take now, it is told when it is back. */
  giveBack(): Promise<void>;
}

/** Something that is written with the units it used. */
export interface SettledRecord {
  write(db: Connection): Promise<void>;
  /** Removes what `write` wrote, for when nobody can say whether it came through. True when there was something. */
  undo(db: Connection): Promise<boolean>;
}

/** Units of one subject, counted in one period. */
interface Taken {
  readonly subject: string;
  readonly period: string;
  readonly units: number;
}

/** How long a reservation stands when the process that made it dies, milliseconds: longer than any request. */
const LEASE = 2 * 3_600_000;
/** Milliseconds between two looks for what dead processes left behind. */
const SWEEP_STEP = 60_000;
/** Milliseconds before the database is told again what it did not take. */
const RETRY_STEP = 250;
/** How long a counter stays after its period, milliseconds: give-backs may come late. */
const KEEP_COUNTERS = 2 * LEASE;

/**
 * Exact limits, over any number of processes on one database.
 *
 * One statement compares, counts and reports, so that of many requests at once none slips by. Nothing is locked while
 * the prediction runs: the units are taken before it, with a reservation that says for whom, and given back when it
 * fails. Giving back removes the reservation and counts down only if it was there, so that it may be repeated until the
 * database has answered, and a process that dies is cleaned up after by any other.
 */
export class Quotas {
  /** Units since the start of this process. */
  readonly units = { taken: 0, given_back: 0, refused: 0 };
  private readonly pending = new Map<string, () => Promise<void>>();
  private readonly sweeper: NodeJS.Timeout;
  private retry: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private closed = false;

  /** @param clock epoch milliseconds */
  constructor(
    private readonly storage: Storage,
    private readonly timeZone: string,
    private readonly clock: () => number = Date.now,
  ) {
    this.sweeper = setInterval(() => void this.sweep().catch(() => undefined), SWEEP_STEP).unref();
  }

  /**
   * Takes `units` of the calendar limits of `subject`, of all or of none.
   *
   * @throws VitrinaError `quota-exceeded` (429, `Retry-After` until the period ends), `storage-unavailable`
   */
  async take(
    subject: string,
    limits: Pick<Limits, 'monthly' | 'daily'>,
    units: number,
    timeZone: string = this.timeZone,
  ): Promise<Reservation> {
    const now = this.clock();
    const id = randomUUID();
    // Always in this order, so that no two transactions wait for each other.
    const wanted = (['day', 'month'] as const)
      .map((kind) => ({ kind, limit: kind === 'day' ? limits.daily : limits.monthly }))
      .filter((one): one is { kind: 'day' | 'month'; limit: number } => one.limit !== null)
      .map(({ kind, limit }) => ({ kind, limit, period: periodOf(kind, now, timeZone) }));
    const rows = wanted.map(({ period }) => ({ id, period: period.name, subject, units, expires_at: now + LEASE }));
    let used = 0;
    try {
      await this.storage.db.transaction().execute(async (transaction) => {
        for (const { kind, limit, period } of wanted) {
          const counted = await count(transaction, subject, period, units, limit);
          if (counted === undefined) throw exceeded(kind, limit, units, period, now);
          used = counted;
        }
        if (rows.length > 0) await transaction.insertInto('quota_reservations').values(rows).execute();
      });
    } catch (error) {
      // Nobody can say whether a commit came through whose answer did not.
      if (isUnavailable(error)) this.later(id, () => this.release(id));
      else this.units.refused += units;
      throw error;
    }
    this.units.taken += units;
    return {
      id,
      used,
      settle: (record) => this.settle(id, rows, record),
      giveBack: () => {
        this.units.given_back += units;
        return this.attempt(id, () => this.release(id));
      },
    };
  }

  /**
   * Counts one request within a sliding window: what the window before used counts by the share of it that still lies
   * within the last so many seconds (https://blog.cloudflare.com/counting-things-a-lot-of-different-things/).
   *
   * @throws VitrinaError `rate-exceeded` (429 with `Retry-After`), `storage-unavailable`
   */
  async pass(subject: string, { requests, seconds }: RateLimit): Promise<void> {
    const now = this.clock();
    const length = seconds * 1000;
    const index = Math.floor(now / length);
    const name = (at: number) => `window:${seconds}:${at}`;
    const window = { name: name(index), endsAt: (index + 1) * length };
    const share = 1 - (now % length) / length;
    const counted = await count(this.storage.db, subject, { ...window, endsAt: window.endsAt + length }, 1, requests, {
      period: name(index - 1),
      share,
    });
    if (counted !== undefined) return;
    const rows = await this.storage.db
      .selectFrom('quota_counters')
      .select(['period', 'used'])
      .where('subject', '=', subject)
      .where('period', 'in', [window.name, name(index - 1)])
      .execute();
    const of = (period: string) => rows.find((row) => row.period === period)?.used ?? 0;
    const waitMs = waitForRoom(of(name(index - 1)), of(window.name), requests, length, now % length);
    const retryAfter = Math.max(1, Math.ceil(waitMs / 1000));
    throw new VitrinaError(
      'rate-exceeded',
      { requests, seconds, retryAfter },
      { headers: { 'Retry-After': String(retryAfter) } },
    );
  }

  /** What `subject` has used of the month or day of now. */
  async used(subject: string, kind: 'month' | 'day'): Promise<number> {
    const { name } = periodOf(kind, this.clock(), this.timeZone);
    const row = await this.storage.db
      .selectFrom('quota_counters')
      .select('used')
      .where('subject', '=', subject)
      .where('period', '=', name)
      .executeTakeFirst();
    return row?.used ?? 0;
  }

  /** Gives back what processes took that died, and forgets counters whose time is over. */
  async sweep(): Promise<void> {
    const now = this.clock();
    const { db } = this.storage;
    const left = await db
      .selectFrom('quota_reservations')
      .select('id')
      .distinct()
      .where('expires_at', '<', now)
      .limit(1000)
      .execute();
    for (const { id } of left) await this.release(id);
    await db.deleteFrom('quota_counters').where('expires_at', '<', now).execute();
  }

  /** Tells the database what it has not taken yet, if it answers now. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.sweeper);
    clearTimeout(this.retry);
    await this.flush();
  }

  private async settle(id: string, rows: readonly Taken[], record: SettledRecord | undefined): Promise<void> {
    if (record === undefined) {
      // The answer is right whether the reservation is gone now or in a moment.
      await this.attempt(id, () => forget(this.storage.db, id));
      return;
    }
    try {
      await this.storage.db.transaction().execute(async (transaction) => {
        await forget(transaction, id);
        await record.write(transaction);
      });
    } catch (error) {
      await this.attempt(id, () => this.undo(id, rows, record));
      throw error;
    }
  }

  /** Frees the units of a reservation, if it still stands. */
  private async release(id: string): Promise<void> {
    await this.storage.db.transaction().execute((transaction) => release(transaction, id));
  }

  /** Frees the units of something whose settling may have come through or not. */
  private async undo(id: string, rows: readonly Taken[], record: SettledRecord): Promise<void> {
    await this.storage.db.transaction().execute(async (transaction) => {
      if (!(await record.undo(transaction))) await release(transaction, id);
      else for (const row of rows) await countDown(transaction, row);
    });
  }

  private async attempt(id: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch {
      this.later(id, act);
    }
  }

  private later(id: string, act: () => Promise<void>): void {
    this.pending.set(id, act);
    if (this.retry !== undefined || this.closed) return;
    this.retry = setTimeout(() => {
      this.retry = undefined;
      void this.flush();
    }, RETRY_STEP).unref();
  }

  private flush(): Promise<void> {
    this.flushing ??= this.flushAll().finally(() => {
      this.flushing = undefined;
    });
    return this.flushing;
  }

  private async flushAll(): Promise<void> {
    for (const [id, act] of this.pending) {
      try {
        await act();
        this.pending.delete(id);
      } catch {
        this.later(id, act);
        return;
      }
    }
  }
}

/**
 * Counts `units` if they fit under `limit`, in one statement; what was used then, or nothing where they do not fit.
 *
 * @param before a period whose count weighs in by `share`
 */
async function count(
  db: Connection,
  subject: string,
  { name, endsAt }: Period,
  units: number,
  limit: number,
  before: { readonly period: string; readonly share: number } = { period: '', share: 0 },
): Promise<number | undefined> {
  const weighed = sql`(coalesce((select earlier.used from quota_counters earlier
    where earlier.subject = ${subject} and earlier.period = ${before.period}), 0) * cast(${before.share} as double precision))`;
  const taken = sql`cast(${units} as integer)`;
  const { rows } = await sql<{ used: number }>`
    insert into quota_counters (subject, period, used, expires_at)
    select cast(${subject} as text), cast(${name} as text), ${taken}, cast(${endsAt + KEEP_COUNTERS} as bigint)
    where ${taken} + ${weighed} <= cast(${limit} as integer)
    on conflict (subject, period) do update set used = quota_counters.used + ${taken}
    where quota_counters.used + ${taken} + ${weighed} <= cast(${limit} as integer)
    returning used`.execute(db);
  return rows[0]?.used;
}

async function countDown(db: Connection, { subject, period, units }: Taken): Promise<void> {
  await db
    .updateTable('quota_counters')
    .set((row) => ({ used: row('used', '-', units) }))
    .where('subject', '=', subject)
    .where('period', '=', period)
    .execute();
}

async function forget(db: Connection, id: string): Promise<void> {
  await db.deleteFrom('quota_reservations').where('id', '=', id).execute();
}

async function release(db: Connection, id: string): Promise<void> {
  const rows = await db
    .deleteFrom('quota_reservations')
    .where('id', '=', id)
    .returning(['subject', 'period', 'units'])
    .execute();
  // The order in which they are taken.
  for (const row of rows.sort((a, b) => (a.period < b.period ? -1 : 1))) await countDown(db, row);
}

/**
 * Milliseconds until one more request fits.
 *
 * @param before what the window before has used, @param now this one, `elapsed` of whose `length` milliseconds are over
 */
function waitForRoom(before: number, now: number, limit: number, length: number, elapsed: number): number {
  const room = limit - 1 - now;
  if (room >= 0) return before === 0 ? 0 : length * (1 - Math.min(1, room / before)) - elapsed;
  return length - elapsed + length * (1 - Math.min(1, (limit - 1) / now));
}

const isUnavailable = (error: unknown): boolean =>
  error instanceof VitrinaError && error.code === 'storage-unavailable';

function exceeded(kind: 'day' | 'month', limit: number, units: number, { endsAt }: Period, now: number): VitrinaError {
  const retryAfter = Math.max(1, Math.ceil((endsAt - now) / 1000));
  return new VitrinaError(
    'quota-exceeded',
    { kind, limit, units, until: new Date(endsAt).toISOString() },
    { headers: { 'Retry-After': String(retryAfter) } },
  );
}
