import { randomUUID } from 'node:crypto';
import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { Limits, RateLimit } from './limits.js';
import { periodOf } from './periods.js';
import { abandon, type Connection, count, countDown, forget, release, type Taken } from './quota-statements.js';
import { Retries } from './retries.js';

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

/** How long a reservation stands when the process that made it dies, milliseconds: longer than any request. */
const LEASE = 2 * 3_600_000;
/** Milliseconds between two looks for what dead processes left behind. */
const SWEEP_STEP = 60_000;
/** How long a counter stays after its period, milliseconds: give-backs may come late. */
const KEEP_COUNTERS = 2 * LEASE;

/**
 * Exact limits, over any number of processes on one database.
 *
 * One statement compares, counts and reports, so that of many requests at once none slips by. Nothing is locked while
 * the prediction runs: the units are taken before it, with a reservation that says for whom, and given back when it
 * fails. Giving back removes the reservation and counts down only if it was there, so that it may be repeated until the
 * database has answered, and a process that dies is cleaned up after by any other.
 *
 * A commit whose answer was lost may have been done, may not, or may still be under way. Whatever undoes it writes to the
 * reservation's row first, which the database lets nobody do before that transaction is over.
 */
export class Quotas {
  /** Units since the start of this process. */
  readonly units = { taken: 0, given_back: 0, refused: 0 };
  private readonly retries = new Retries();
  private readonly sweeper: NodeJS.Timeout;

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
    const countAll = async (transaction: Connection) => {
      let used = 0;
      for (const { kind, limit, period } of wanted) {
        const expiresAt = period.endsAt + KEEP_COUNTERS;
        const counted = await count(transaction, { subject, period: period.name, units, expiresAt }, limit);
        if (counted === undefined) throw exceeded(kind, limit, units, period.endsAt, now);
        used = counted;
      }
      return used;
    };
    let used: number;
    try {
      used = await this.storage.db.transaction().execute(async (transaction) => {
        const counted = await countAll(transaction);
        if (rows.length > 0) await transaction.insertInto('quota_reservations').values(rows).execute();
        return counted;
      });
    } catch (error) {
      if (isExceeded(error)) this.units.refused += units;
      else if (rows.length > 0) this.retries.later(id, () => abandon(this.storage.db, id, rows));
      throw error;
    }
    this.units.taken += units;
    return {
      id,
      used,
      settle: (record) => this.settle({ id, rows, countAll }, record),
      giveBack: () => {
        this.units.given_back += units;
        return this.retries.attempt(id, () => release(this.storage.db, id));
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
    const share = 1 - (now % length) / length;
    const expiresAt = (index + 2) * length + KEEP_COUNTERS;
    const one = { subject, period: name(index), units: 1, expiresAt };
    const counted = await count(this.storage.db, one, requests, { period: name(index - 1), share });
    if (counted !== undefined) return;
    const rows = await this.storage.db
      .selectFrom('quota_counters')
      .select(['period', 'used'])
      .where('subject', '=', subject)
      .where('period', 'in', [name(index), name(index - 1)])
      .execute();
    const of = (period: string) => rows.find((row) => row.period === period)?.used ?? 0;
    const waitMs = waitForRoom(of(name(index - 1)), of(name(index)), requests, length, now % length);
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
    for (const { id } of left) await release(db, id);
    await db.deleteFrom('quota_counters').where('expires_at', '<', now).execute();
  }

  /** Tells the database what it has not taken yet, if it answers now. */
  async close(): Promise<void> {
    clearInterval(this.sweeper);
    await this.retries.close();
  }

  private async settle({ id, rows, countAll }: Held, record: SettledRecord | undefined): Promise<void> {
    if (record === undefined) {
      // The answer is right whether the reservation is gone now or in a moment.
      await this.retries.attempt(id, () => forget(this.storage.db, id));
      return;
    }
    try {
      await this.storage.db.transaction().execute(async (transaction) => {
        // Given back meanwhile, as if this process had died: it slept beyond its lease.
        if (!(await forget(transaction, id))) await countAll(transaction);
        await record.write(transaction);
      });
    } catch (error) {
      await this.retries.attempt(id, () => this.undo(id, rows, record));
      throw error;
    }
  }

  /**
   * Frees the units of something whose settling may have come through or not. The reservation goes first: a settling that
   * is still under way has removed it, so that this waits for it, and sees afterwards what it has recorded.
   */
  private async undo(id: string, rows: readonly Taken[], record: SettledRecord): Promise<void> {
    await this.storage.db.transaction().execute(async (transaction) => {
      if (await release(transaction, id)) return;
      if (await record.undo(transaction)) for (const row of rows) await countDown(transaction, row);
    });
  }
}

/** What was taken, and how it is taken once more. */
interface Held {
  readonly id: string;
  readonly rows: readonly Taken[];
  readonly countAll: (transaction: Connection) => Promise<number>;
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

/** The one failure of a take of which it is certain that nothing was taken. */
const isExceeded = (error: unknown): boolean => error instanceof VitrinaError && error.code === 'quota-exceeded';

function exceeded(kind: 'day' | 'month', limit: number, units: number, endsAt: number, now: number): VitrinaError {
  const retryAfter = Math.max(1, Math.ceil((endsAt - now) / 1000));
  return new VitrinaError(
    'quota-exceeded',
    { kind, limit, units, until: new Date(endsAt).toISOString() },
    { headers: { 'Retry-After': String(retryAfter) } },
  );
}
