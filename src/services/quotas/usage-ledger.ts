import { sql } from 'kysely';
import type { Storage } from '../../storage/storage.js';
import type { Principal } from '../accounts/principal.js';
import { ConnectedCaller, rowsOf } from '../predictions/connected-caller.js';
import type { Prediction, PredictionObserver, PredictionRequest } from '../predictions/prediction-service.js';

/** What one user has predicted with one model on one day (UTC), by key. */
export interface UsageRow {
  /** `2026-11-21`. */
  readonly day: string;
  readonly userId: number;
  /** `null` once the user has been removed. */
  readonly username: string | null;
  /** The public half of the API key; `null` for access tokens. */
  readonly keyId: string | null;
  readonly model: string;
  readonly predictions: number;
  readonly rows: number;
  /** Requests that were refused or failed at the model. */
  readonly failures: number;
}

export interface UsageQuery {
  /** First and last day, both included. */
  readonly from?: string;
  readonly to?: string;
  /** Of everybody unless given. */
  readonly userId?: number;
}

interface Tally {
  predictions: number;
  rows: number;
  failures: number;
}

/** Milliseconds for which counts stay in memory; what a killed process loses of them. */
const FLUSH_STEP = 2_000;

/**
 * Who used which model how much. Counted in memory on the way of the answer, through every door, and added to the
 * database every two seconds: a report, not a limit (`Quotas` keeps those, exactly).
 */
export class UsageLedger implements PredictionObserver {
  private counts = new Map<Principal, Map<string, Tally>>();
  private readonly timer: NodeJS.Timeout;
  private flushing: Promise<void> | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly clock: () => number = Date.now,
  ) {
    this.timer = setInterval(() => void this.flush().catch(() => undefined), FLUSH_STEP).unref();
  }

  answered(request: PredictionRequest, prediction: Prediction): void {
    const tally = this.tallyOf(request);
    if (tally === undefined) return;
    tally.predictions++;
    tally.rows += rowsOf(prediction);
  }

  failed(request: PredictionRequest): void {
    const tally = this.tallyOf(request);
    if (tally !== undefined) tally.failures++;
  }

  private tallyOf({ caller, model }: PredictionRequest): Tally | undefined {
    if (!(caller instanceof ConnectedCaller) || caller.principal === null) return undefined;
    let models = this.counts.get(caller.principal);
    if (models === undefined) {
      models = new Map();
      this.counts.set(caller.principal, models);
    }
    let tally = models.get(model);
    if (tally === undefined) {
      tally = { predictions: 0, rows: 0, failures: 0 };
      models.set(model, tally);
    }
    return tally;
  }

  /** Adds what has been counted to the database. Errors: `storage-unavailable`; nothing is forgotten then. */
  flush(): Promise<void> {
    this.flushing ??= this.write().finally(() => {
      this.flushing = undefined;
    });
    return this.flushing;
  }

  /** Rows by day, user, key and model, with what this process still has in memory. */
  async report({ from, to, userId }: UsageQuery = {}): Promise<UsageRow[]> {
    await this.flush();
    let query = this.storage.db
      .selectFrom('usage')
      .leftJoin('users', 'users.id', 'usage.user_id')
      .selectAll('usage')
      .select('users.username')
      .orderBy('day')
      .orderBy('user_id')
      .orderBy('key_id')
      .orderBy('model');
    if (from !== undefined) query = query.where('day', '>=', from);
    if (to !== undefined) query = query.where('day', '<=', to);
    if (userId !== undefined) query = query.where('user_id', '=', userId);
    return (await query.execute()).map(({ user_id, key_id, username, ...row }) => ({
      day: row.day,
      userId: user_id,
      username,
      keyId: key_id === '' ? null : key_id,
      model: row.model,
      predictions: row.predictions,
      rows: row.rows,
      failures: row.failures,
    }));
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flush().catch(() => undefined);
  }

  private async write(): Promise<void> {
    if (this.counts.size === 0) return;
    const counts = this.counts;
    this.counts = new Map();
    const day = new Date(this.clock()).toISOString().slice(0, 10);
    const rows = new Map<string, Tally & { day: string; user_id: number; key_id: string; model: string }>();
    for (const [{ userId, keyId }, models] of counts) {
      for (const [model, tally] of models) {
        const id = `${userId} ${keyId ?? ''} ${model}`;
        const row = rows.get(id) ?? {
          day,
          user_id: userId,
          key_id: keyId ?? '',
          model,
          predictions: 0,
          rows: 0,
          failures: 0,
        };
        rows.set(id, add(row, tally));
      }
    }
    try {
      await this.storage.db.transaction().execute(async (transaction) => {
        // In one order, so that no two processes wait for each other.
        for (const [, values] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
          await transaction
            .insertInto('usage')
            .values(values)
            .onConflict((conflict) =>
              conflict.columns(['day', 'user_id', 'key_id', 'model']).doUpdateSet({
                predictions: sql`usage.predictions + excluded.predictions`,
                rows: sql`usage.rows + excluded.rows`,
                failures: sql`usage.failures + excluded.failures`,
              }),
            )
            .execute();
        }
      });
    } catch (error) {
      for (const [principal, models] of counts) this.merge(principal, models);
      throw error;
    }
  }

  private merge(principal: Principal, models: Map<string, Tally>): void {
    const now = this.counts.get(principal) ?? new Map<string, Tally>();
    for (const [model, tally] of models) {
      now.set(model, add(now.get(model) ?? { predictions: 0, rows: 0, failures: 0 }, tally));
    }
    this.counts.set(principal, now);
  }
}

function add<T extends Tally>(to: T, tally: Tally): T {
  to.predictions += tally.predictions;
  to.rows += tally.rows;
  to.failures += tally.failures;
  return to;
}
