import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, sql } from 'kysely';
import pg from 'pg';
import { type DatabaseUrl, locationOf, parseDatabaseUrl } from '../database-url.js';
import { VitrinaError } from '../errors.js';
import { type Made, type Migrations, migrate, missingOf, statesOf } from './migrating.js';
import { postgresDdl } from './migrations/ddl.js';
import { boundedPing, unavailable } from './ping.js';
import { PooledPostgresDialect } from './postgres-driver.js';
import { reasonOf, toFinalError, toStorageError } from './postgres-errors.js';
import { PostgresPool } from './postgres-pool.js';
import type { Database } from './schema.js';
import type { Storage, StorageLog } from './storage.js';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, see `parseDatabaseUrl`. */
  readonly url: string;
  /** Connections that this process may hold. */
  readonly pool?: number;
  /** Milliseconds that a statement may take. */
  readonly timeoutMs?: number;
  /** Milliseconds for which the first connection is waited for. */
  readonly patienceMs?: number;
  readonly log?: StorageLog;
}

/** Milliseconds for a connection to be made, and for one of the pool's to become free. */
const connectMs = 2_000;
/** Beyond the time of a statement, after which the server must have said something: else nobody is there. */
const silenceMs = 2_000;
/** Milliseconds after which a connection that nobody needs is closed. */
const idleMs = 60_000;
/** Milliseconds after which the server ends a transaction whose process does nothing, and frees its locks. */
const idleInTransactionMs = 30_000;
const keepAliveMs = 10_000;
const patience = 30_000;

/**
 * Opens a PostgreSQL that holds the current schema; waits for one that is starting. See `openDatabase`.
 *
 * It never changes the schema: servers of two versions may share a database while one replaces the other, and somebody
 * has to decide when.
 */
export async function openPostgres(options: PostgresOptions): Promise<Storage> {
  const { timeoutMs = 5_000 } = options;
  const { db, location, url, close } = await connect(options, timeoutMs);
  try {
    const missing = missingOf(statesOf(postgresDdl, await madeIn(db), location));
    if (missing.length > 0) throw new VitrinaError('storage-behind', { location, missing });
  } catch (error) {
    await close();
    throw toFinalError(error, url) ?? toStorageError(error);
  }
  const one = db.selectNoFrom(sql.lit(1).as('one'));
  return { db, kind: 'postgres', location, ping: boundedPing(() => one.execute()), close };
}

/** The migrations of a PostgreSQL. */
export async function openPostgresMigrations(options: PostgresOptions): Promise<Migrations> {
  // Changing a large table, or waiting for another one that migrates, takes the time it takes.
  const { db, location, url, close } = await connect({ ...options, pool: 1 }, 0);
  const clearly = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toFinalError(error, url) ?? toStorageError(error);
    }
  };
  const list = async () => statesOf(postgresDdl, await madeIn(db), location);
  const move = (direction: 'up' | 'down') =>
    clearly(async () => {
      await list();
      const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(db);
      return migrate(db, postgresDdl, direction, rows[0]?.schema);
    });
  return {
    location,
    list: () => clearly(list),
    up: () => move('up'),
    down: async () => (await move('down'))[0],
    close,
  };
}

interface Connected {
  readonly db: Kysely<Database>;
  readonly location: string;
  readonly url: DatabaseUrl;
  close(): Promise<void>;
}

/** Makes a pool and its first connection. Errors: see `toFinalError`, `storage-unavailable`, `path-unusable`. */
async function connect(options: PostgresOptions, timeoutMs: number): Promise<Connected> {
  const url = parseDatabaseUrl(options.url);
  if (url === undefined) throw new Error('The URL of the database is none; the configuration should have said so');
  const location = locationOf(url);
  const pool = new PostgresPool(poolConfig(url, options.pool ?? 10, timeoutMs), options.log);
  try {
    await waitFor(pool, url, options);
    const db = new Kysely<Database>({ dialect: new PooledPostgresDialect(pool) });
    const close = async () => {
      // What Kysely has not used it does not close.
      await db.destroy();
      await pool.close();
    };
    return { db, location, url, close };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** A database that starts beside the server, or is just restarted, is waited for; what will not mend is not. */
async function waitFor(pool: PostgresPool, url: DatabaseUrl, options: PostgresOptions): Promise<void> {
  const { patienceMs = patience, log } = options;
  const began = performance.now();
  for (let told = false; ; told = true) {
    try {
      (await pool.connect()).release();
      return;
    } catch (error) {
      const final = toFinalError(error, url);
      if (final !== undefined) throw final;
      const location = locationOf(url);
      const waited = performance.now() - began;
      if (waited >= patienceMs) {
        throw unavailable(`${location}: ${reasonOf(error)}, after ${Math.round(waited / 1000)} s`, error);
      }
      if (!told) {
        const seconds = Math.round(patienceMs / 1000);
        log?.warn(
          `The database ${location} does not answer yet: ${reasonOf(error)}; it is waited for, up to ${seconds} s.`,
        );
      }
      await sleep(250);
    }
  }
}

function poolConfig(url: DatabaseUrl, max: number, timeoutMs: number): pg.PoolConfig {
  const { user, password, database, applicationName, options } = url;
  const ssl = encryptionOf(url);
  return {
    host: url.host,
    port: url.port,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    ...(ssl === undefined ? {} : { ssl }),
    ...(options === undefined ? {} : { options }),
    application_name: applicationName ?? 'vitrina',
    max,
    types: { getTypeParser },
    connectionTimeoutMillis: connectMs,
    idleTimeoutMillis: idleMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    ...(timeoutMs === 0 ? {} : { statement_timeout: timeoutMs, query_timeout: timeoutMs + silenceMs }),
  };
}

const INT8 = 20;

/** Times and numbers of rows are int8, and far below 2^53. For our pool alone: the package's parsers are everybody's. */
const getTypeParser = ((oid: number, format: 'text') =>
  oid === INT8 && format !== ('binary' as string)
    ? Number
    : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser;

/** `undefined` leaves it to `PGSSLMODE`. Modes: https://www.postgresql.org/docs/current/libpq-ssl.html */
function encryptionOf({ sslMode, sslRootCert, sslCert, sslKey }: DatabaseUrl): pg.PoolConfig['ssl'] {
  if (sslMode === undefined) return undefined;
  if (sslMode === 'disable') return false;
  const files = {
    ...(sslRootCert === undefined ? {} : { ca: readCertificate(sslRootCert) }),
    ...(sslCert === undefined ? {} : { cert: readCertificate(sslCert) }),
    ...(sslKey === undefined ? {} : { key: readCertificate(sslKey) }),
  };
  if (sslMode === 'verify-full') return files;
  // As libpq does: with an authority at hand, `require` checks the certificate, too.
  if (sslRootCert !== undefined) return { ...files, checkServerIdentity: () => undefined };
  return { ...files, rejectUnauthorized: false };
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const problem = `this file of the setting database-url cannot be read (${(cause as Error).message})`;
    throw new VitrinaError('path-unusable', { path, problem }, { cause });
  }
}

async function madeIn(db: Kysely<Database>): Promise<Made[]> {
  try {
    const { rows } = await sql<Made>`select name, timestamp from kysely_migration`.execute(db);
    return rows;
  } catch (error) {
    // Nobody has made anything yet.
    if (error instanceof pg.DatabaseError && error.code === '42P01') return [];
    throw error;
  }
}
