import { accessSync, closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SqliteFile from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  Migrator,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
  type TransactionSettings,
} from 'kysely';
import { VitrinaError } from '../errors.js';
import { sqliteDdl } from './migrations/ddl.js';
import { migrations } from './migrations/index.js';
import type { Database } from './schema.js';
import { isBusy, toStorageError, toUnwritable } from './sqlite-errors.js';
import type { Storage } from './storage.js';

/** How long a statement waits for another process's write, in milliseconds; it blocks the event loop meanwhile. */
const BUSY_TIMEOUT = 5_000;
/** How long opening waits for other processes that open the same file, in milliseconds. */
const OPEN_TIMEOUT = 15_000;
/** "VTRN", in the header of the file: https://www.sqlite.org/pragma.html#pragma_application_id */
const APPLICATION_ID = 0x5654524e;
/** Distinct statements kept prepared. The program has a few dozen; the cap is for what nobody foresaw. */
const PREPARED = 256;

type SqliteConnection = SqliteFile.Database;

/** Opens `path` through better-sqlite3; see `openDatabase`. */
export async function openSqlite(path: string): Promise<Storage> {
  const inMemory = path === ':memory:';
  if (!inMemory) prepareFile(path);
  let connection: SqliteConnection | undefined;
  try {
    connection = new SqliteFile(path, { timeout: BUSY_TIMEOUT });
    refuseForeign(connection, path);
    await configure(connection, inMemory);
    const db = new Kysely<Database>({ dialect: new ImmediateDialect({ database: preparing(connection, path) }) });
    await migrate(connection, db, path);
    return { db, kind: 'sqlite', location: path, close: () => db.destroy() };
  } catch (error) {
    connection?.close();
    throw toStorageError(error, path);
  }
}

/**
 * Makes the folder and the file (readable by their owner alone: the file holds the signing secret) and checks that
 * both can be written: SQLite would open a read-only file in silence and fail at the first write, and needs the
 * folder for its write-ahead log.
 *
 * An existing file is never opened here: closing it would drop the locks of this process's other connections.
 */
function prepareFile(path: string): void {
  const folder = dirname(path);
  try {
    makeFolder(folder);
    try {
      closeSync(openSync(path, 'wx', 0o600));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    accessSync(path, constants.R_OK | constants.W_OK);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw toUnwritable(error, path);
  }
  if (!statSync(path).isFile()) throw new VitrinaError('storage-not-a-database', { path, why: 'it is not a file' });
}

/** `mkdir -p`. Node's own never returns where a folder cannot be made although its parent exists (`/proc/x`). */
function makeFolder(folder: string, parentMayMiss = true): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !parentMayMiss) throw error;
    makeFolder(dirname(folder));
    makeFolder(folder, false);
  }
}

/** A SQLite file of another program gets no table of ours. An empty file belongs to nobody yet. */
function refuseForeign(connection: SqliteConnection, path: string): void {
  const tables = connection.prepare('select count(*) from sqlite_master').pluck().get() as number;
  if (tables > 0 && connection.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    throw new VitrinaError('storage-not-a-database', { path, why: 'it is a SQLite file of another program' });
  }
}

async function configure(connection: SqliteConnection, inMemory: boolean): Promise<void> {
  connection.pragma('foreign_keys = ON');
  if (inMemory) return;
  // The switch to the write-ahead log needs the file alone and does not wait for others by itself.
  const mode = await patiently(() =>
    connection.pragma('journal_mode', { simple: true }) === 'wal'
      ? 'wal'
      : connection.pragma('journal_mode = WAL', { simple: true }),
  );
  // Without the log (some network file systems refuse it) only FULL keeps the file whole through a power cut.
  connection.pragma(`synchronous = ${mode === 'wal' ? 'NORMAL' : 'FULL'}`);
}

/**
 * Brings the schema up to date under one write lock, so that of several processes that start at once one migrates
 * and the others find it done. With nothing to do it takes no lock.
 */
async function migrate(connection: SqliteConnection, db: Kysely<Database>, path: string): Promise<void> {
  const known = migrations(sqliteDdl);
  if (!isPending(connection, Object.keys(known), path)) return;
  await patiently(() => connection.exec('begin immediate'));
  try {
    if (isPending(connection, Object.keys(known), path)) {
      connection.pragma(`application_id = ${APPLICATION_ID}`);
      const migrator = new Migrator({ db, provider: { getMigrations: async () => known } });
      const { error } = await migrator.migrateToLatest();
      if (error !== undefined) throw error;
    }
    connection.exec('commit');
  } catch (error) {
    if (connection.inTransaction) connection.exec('rollback');
    throw error;
  }
}

/** @throws VitrinaError `storage-newer` when the file holds a migration that is not `known` */
function isPending(connection: SqliteConnection, known: readonly string[], path: string): boolean {
  const tracked = connection.prepare(`select 1 from sqlite_master where name = 'kysely_migration'`).get();
  if (tracked === undefined) return true;
  const done = connection.prepare('select name from kysely_migration order by name').pluck().all() as string[];
  const newer = done.find((name) => !known.includes(name));
  if (newer !== undefined) throw new VitrinaError('storage-newer', { path, migration: newer });
  return done.length < known.length;
}

/** Repeats `action` while another process holds the lock, without blocking the event loop between attempts. */
async function patiently<T>(action: () => T): Promise<T> {
  const deadline = performance.now() + OPEN_TIMEOUT;
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      await sleep(10 + Math.random() * 20);
    }
  }
}

/**
 * A dialect whose transactions take the write lock at their start (`begin immediate`): one that begins by reading
 * could not be upgraded once another process has written, and would fail instead of waiting.
 */
class ImmediateDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.#config);
  }
}

class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    const begin = settings?.accessMode === 'read only' ? 'begin' : 'begin immediate';
    await connection.executeQuery(CompiledQuery.raw(begin));
  }
}

/** What Kysely drives: keeps statements prepared, and reports SQLite's troubles as errors of the catalogue. */
function preparing(connection: SqliteConnection, path: string): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  const reporting = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw toStorageError(error, path);
    }
  };
  return {
    close: () => void connection.close(),
    prepare(text) {
      const existing = prepared.get(text);
      if (existing !== undefined) return existing;
      const statement = reporting(() => connection.prepare(text));
      const wrapped: SqliteStatement = {
        reader: statement.reader,
        all: (parameters) => reporting(() => statement.all(parameters)),
        run: (parameters) => reporting(() => statement.run(parameters)),
        iterate: (parameters) => reporting(() => statement.iterate(parameters)),
      };
      if (prepared.size >= PREPARED) prepared.clear();
      prepared.set(text, wrapped);
      return wrapped;
    },
  };
}
