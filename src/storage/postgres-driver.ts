import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type pg from 'pg';
import { isLost, isSilence, isUnsent, toStorageError } from './postgres-errors.js';
import type { PostgresPool } from './postgres-pool.js';

/** Kysely's PostgreSQL over a `PostgresPool`: what it reports are errors of the catalogue, or faults of the program. */
export class PooledPostgresDialect implements Dialect {
  constructor(private readonly pool: PostgresPool) {}

  createDriver(): Driver {
    return new PooledDriver(this.pool);
  }

  createQueryCompiler(): PostgresQueryCompiler {
    return new PostgresQueryCompiler();
  }

  createAdapter(): PostgresAdapter {
    return new PostgresAdapter();
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new PostgresIntrospector(db);
  }
}

class PooledDriver implements Driver {
  constructor(private readonly pool: PostgresPool) {}

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PooledConnection> {
    return new PooledConnection(this.pool, await this.pool.take());
  }

  async releaseConnection(connection: PooledConnection): Promise<void> {
    connection.release();
  }

  beginTransaction(connection: PooledConnection, settings: TransactionSettings): Promise<void> {
    const level = settings.isolationLevel === undefined ? '' : ` isolation level ${settings.isolationLevel}`;
    const mode = settings.accessMode === undefined ? '' : ` ${settings.accessMode}`;
    return connection.begin(`start transaction${level}${mode}`);
  }

  commitTransaction(connection: PooledConnection): Promise<void> {
    return connection.commit();
  }

  rollbackTransaction(connection: PooledConnection): Promise<void> {
    return connection.rollback();
  }

  destroy(): Promise<void> {
    return this.pool.close();
  }
}

/**
 * One connection between its acquisition and its release.
 *
 * A connection that waited in the pool may have died unnoticed. Its first statement is then tried once more on another
 * one, if it cannot have done anything: it never left this process, it only reads, or it only begins a transaction.
 * Anything else may have been done, and fails.
 */
class PooledConnection implements DatabaseConnection {
  /** Whether nothing depends on this very connection yet. */
  #first = true;
  #lost = false;
  #client: pg.PoolClient | undefined;

  constructor(
    private readonly pool: PostgresPool,
    client: pg.PoolClient,
  ) {
    this.#client = client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const result = await this.#send(query.sql, query.parameters, onlyReads(query));
    return {
      rows: (result.rows ?? []) as R[],
      ...(changing.has(result.command) ? { numAffectedRows: BigInt(result.rowCount ?? 0) } : {}),
    };
  }

  // biome-ignore lint/correctness/useYield: Kysely's interface wants a generator, and nothing here reads by pieces.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Streaming from PostgreSQL is not supported');
  }

  async begin(statement: string): Promise<void> {
    await this.#send(statement, [], true);
  }

  async commit(): Promise<void> {
    await this.#send('commit', [], false);
  }

  /** Never fails: what went wrong before is what the caller should hear, and a lost transaction is rolled back. */
  async rollback(): Promise<void> {
    if (this.#lost) return;
    await this.#send('rollback', [], false).catch(() => {
      this.#lost = true;
    });
  }

  release(): void {
    this.#client?.release(this.#lost);
    this.#client = undefined;
  }

  async #send(text: string, values: readonly unknown[], harmless: boolean): Promise<pg.QueryResult> {
    const mayRepeat = this.#first;
    this.#first = false;
    try {
      return await this.#client!.query(text, [...values]);
    } catch (error) {
      if (!isLost(error)) throw toStorageError(error);
      this.#lost = true;
      if (isSilence(error)) this.pool.distrust(error);
      else if (mayRepeat && (harmless || isUnsent(error))) {
        await this.#replace();
        return this.#send(text, values, harmless);
      }
      throw toStorageError(error);
    }
  }

  /** The lost one makes room first: the pool may have no other. */
  async #replace(): Promise<void> {
    this.release();
    this.#client = await this.pool.take();
    this.#lost = false;
  }
}

const changing: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** A plain select. One with parts of its own (`with`) might write in them. */
const onlyReads = ({ query }: CompiledQuery): boolean => query.kind === 'SelectQueryNode' && query.with === undefined;
