import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { unavailable } from './ping.js';
import { isExhausted, reasonOf } from './postgres-errors.js';
import type { StorageLog } from './storage.js';

/** Milliseconds between two attempts to reach a database that is away: the first, and the longest. */
const firstPauseMs = 50;
const longestPauseMs = 1_000;

interface Outage {
  readonly since: number;
  cause: unknown;
}

/**
 * Connections to PostgreSQL that outlive its absence. While it is away, one attempt after the other is made in the
 * background, and everybody else is refused at once instead of waiting for a connection that does not come.
 */
export class PostgresPool {
  readonly #pool: pg.Pool;
  readonly #log: StorageLog | undefined;
  readonly #closed = new AbortController();
  /** Connections made before the last silence are not trusted. */
  #generation = 0;
  readonly #generations = new WeakMap<pg.ClientBase, number>();
  #outage: Outage | undefined;

  constructor(config: pg.PoolConfig, log?: StorageLog) {
    this.#pool = new pg.Pool({ ...config, Client: TidyClient });
    this.#log = log;
    // The pool drops a connection that fails; unheard, its error would end the process.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => {
      client.on('error', () => undefined);
      this.#generations.set(client, this.#generation);
    });
  }

  /** A connection, to be given back by `release`. @throws VitrinaError `storage-unavailable` */
  async take(): Promise<pg.PoolClient> {
    const { idleCount, waitingCount } = this.#pool;
    // New connections fail, which those that are there need not.
    if (this.#outage !== undefined && idleCount <= waitingCount) throw unavailableBecause(this.#outage.cause);
    try {
      return await this.connect();
    } catch (error) {
      if (this.#closed.signal.aborted) throw error;
      if (!isExhausted(error)) this.#beginOutage(error);
      throw unavailableBecause(error);
    }
  }

  /** As `take`, without regard to what is known of the database. Errors: those of `pg`. */
  async connect(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await this.#pool.connect();
      if (this.#generations.get(client) === this.#generation) return client;
      client.release(true);
    }
  }

  /** A connection says nothing any more, so the others may be as dead: none of them is used again. */
  distrust(cause: unknown): void {
    this.#generation++;
    for (let idle = this.#pool.idleCount; idle > 0; idle--) {
      this.#pool.connect().then(
        (client) => client.release(true),
        () => undefined,
      );
    }
    this.#beginOutage(cause);
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    await this.#pool.end();
  }

  #beginOutage(cause: unknown): void {
    if (this.#outage !== undefined) {
      this.#outage.cause = cause;
      return;
    }
    if (this.#closed.signal.aborted) return;
    const outage: Outage = { since: performance.now(), cause };
    this.#outage = outage;
    this.#log?.warn(`The database does not answer: ${reasonOf(cause)} (${messageOf(cause)}).`);
    this.#endOutage(outage).catch(() => undefined);
  }

  /** Tries until there is a connection again, or the pool is closed. */
  async #endOutage(outage: Outage): Promise<void> {
    for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
      // Many processes that lost one database do not come back all at the same moment.
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal: this.#closed.signal, ref: false });
      try {
        (await this.connect()).release();
        break;
      } catch (error) {
        outage.cause = error;
      }
    }
    this.#outage = undefined;
    const seconds = ((performance.now() - outage.since) / 1000).toFixed(1);
    this.#log?.warn(`The database answers again, after ${seconds} s.`);
  }
}

/** Ends a connection that could not be made to the end: `pg` leaves it open when it fails here and not at the server. */
class TidyClient extends pg.Client {
  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<pg.Client> | undefined {
    if (callback === undefined) return super.connect();
    super.connect((error: Error) => {
      if (error) this.end().catch(() => undefined);
      callback(error);
    });
    return undefined;
  }
}

const unavailableBecause = (cause: unknown) => unavailable(reasonOf(cause), cause);

/** A host with several addresses fails with several errors, and none in words. */
const messageOf = (error: unknown): string =>
  (error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : (error as Error).message) ||
  String(error);
