import { accessSync, closeSync, constants, existsSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SqliteFile from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type SelectQueryNode,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  SqliteQueryCompiler,
  type SqliteStatement,
  sql,
  type TransactionSettings,
} from 'kysely';
import { VitrinaError } from '../errors.js';
import { makeFolder } from '../make-folder.js';
import { type Made, type MigrationState, type Migrations, migrate, missingOf, statesOf } from './migrating.js';
import { sqliteDdl } from './migrations/ddl.js';
import { boundedPing } from './ping.js';
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

/** Opens `path` through better-sqlite3 and brings it to the current schema; see `openDatabase`. */
export async function openSqlite(path: string): Promise<Storage> {
  const { db, connection, close } = await open(path);
  try {
    await bringUpToDate(connection, db, path);
  } catch (error) {
    connection.close();
    throw toStorageError(error, path);
  }
  const one = db.selectNoFrom(sql.lit(1).as('one'));
  return { db, kind: 'sqlite', location: path, ping: boundedPing(() => one.execute()), close };
}

/** The migrations of a SQLite file, which `up` makes when it is missing. */
export async function openSqliteMigrations(path: string): Promise<Migrations> {
  let file: Opened | undefined;
  const find = async () => {
    if (path === ':memory:' || existsSync(path)) file ??= await open(path);
    return file;
  };
  const reporting = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toStorageError(error, path);
    }
  };
  return {
    location: path,
    list: () =>
      reporting(async () => {
        const found = await find();
        return found === undefined ? statesOf(sqliteDdl, [], path) : statesIn(found.connection, path);
      }),
    up: () =>
      reporting(async () => {
        file ??= await open(path);
        return bringUpToDate(file.connection, file.db, path);
      }),
    down: () =>
      reporting(async () => {
        const found = await find();
        if (found === undefined) return undefined;
        const { connection, db } = found;
        const [name] = await alone(connection, () => migrateFile(connection, db, path, 'down'));
        return name;
      }),
    close: async () => file?.close(),
  };
}

interface Opened {
  readonly db: Kysely<Database>;
  readonly connection: SqliteConnection;
  close(): Promise<void>;
}

async function open(path: string): Promise<Opened> {
  const inMemory = path === ':memory:';
  if (!inMemory) prepareFile(path);
  let connection: SqliteConnection | undefined;
  try {
    connection = new SqliteFile(path, { timeout: BUSY_TIMEOUT });
    refuseForeign(connection, path);
    await configure(connection, inMemory);
    const db = new Kysely<Database>({ dialect: new ImmediateDialect({ database: preparing(connection, path) }) });
    const close = async () => {
      // What Kysely has not used it does not close.
      await db.destroy();
      connection?.close();
    };
    return { db, connection, close };
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

/** A SQLite file of another program gets no table of ours. An empty file belongs to nobody yet. */
export function refuseForeign(connection: SqliteConnection, path: string): void {
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
 * and the others find it done. With nothing to do it takes no lock. Names what it has done.
 */
async function bringUpToDate(connection: SqliteConnection, db: Kysely<Database>, path: string): Promise<string[]> {
  if (missingOf(statesIn(connection, path)).length === 0) return [];
  return alone(connection, async () => {
    if (missingOf(statesIn(connection, path)).length === 0) return [];
    return migrateFile(connection, db, path, 'up');
  });
}

/** @throws VitrinaError `storage-newer` */
async function migrateFile(
  connection: SqliteConnection,
  db: Kysely<Database>,
  path: string,
  direction: 'up' | 'down',
): Promise<string[]> {
  statesIn(connection, path);
  connection.pragma(`application_id = ${APPLICATION_ID}`);
  return migrate(db, sqliteDdl, direction);
}

/** Runs `work` while no other process writes; all that it writes is there at its end, or nothing. */
async function alone<T>(connection: SqliteConnection, work: () => Promise<T>): Promise<T> {
  await patiently(() => connection.exec('begin immediate'));
  try {
    const result = await work();
    connection.exec('commit');
    return result;
  } catch (error) {
    if (connection.inTransaction) connection.exec('rollback');
    throw error;
  }
}

/** @throws VitrinaError `storage-newer` when the file holds a migration that is not known */
export function statesIn(connection: SqliteConnection, path: string): MigrationState[] {
  const tracked = connection.prepare(`select 1 from sqlite_master where name = 'kysely_migration'`).get();
  const made = tracked === undefined ? [] : connection.prepare('select name, timestamp from kysely_migration').all();
  return statesOf(sqliteDdl, made as Made[], path);
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

  override createQueryCompiler(): SqliteQueryCompiler {
    return new LockedQueryCompiler();
  }
}

/** `for update` is for databases whose transactions do not hold the write lock from their start; SQLite has no such words. */
class LockedQueryCompiler extends SqliteQueryCompiler {
  protected override visitSelectQuery(node: SelectQueryNode): void {
    const { endModifiers, ...rest } = node;
    super.visitSelectQuery(endModifiers?.every(({ modifier }) => modifier === 'ForUpdate') ? rest : node);
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
