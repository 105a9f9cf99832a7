import { closeSync, existsSync, fsyncSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import SqliteFile from 'better-sqlite3';
import { VitrinaError } from '../errors.js';
import { refuseForeign, statesIn } from './sqlite.js';
import { isBusy, toStorageError, toUnwritable } from './sqlite-errors.js';

/** What a file that was checked holds. */
export interface BackupView {
  readonly path: string;
  readonly bytes: number;
  /** The newest migration that it has; nothing where no server has ever used it. */
  readonly schema: string | null;
  /** Rows of each table, where they were asked for. */
  readonly rows?: Readonly<Record<string, number>>;
}

export interface BackupOptions {
  /** Replaces what is there. */
  readonly force?: boolean;
  /** Checks every reference between tables as well, and counts rows. */
  readonly verify?: boolean;
}

/** Milliseconds that taking a database for oneself waits for whoever is about to leave it. */
const aloneMs = 2_000;

/**
 * Copies the database `source` as it is at one moment into the one file `target`, while servers write to it, and checks
 * the copy before it has its name.
 *
 * All pages are copied in one step. A copy in several begins again whenever another process has written in between, which
 * on a busy server is always: https://www.sqlite.org/c3ref/backup_finish.html
 *
 * @throws VitrinaError `path-unusable` when there is nothing to copy or the target is there; `storage-damaged`,
 *   `storage-not-a-database`, `storage-newer`, `storage-unwritable`
 */
export async function backUpSqlite(source: string, target: string, options: BackupOptions = {}): Promise<BackupView> {
  if (!existsSync(source)) {
    const problem = 'there is no such file; name the folder of the database with --data';
    throw new VitrinaError('path-unusable', { path: source, problem });
  }
  refuseExisting(target, options, 'choose another name, or replace it with --force');
  return replacing(target, async (draft) => {
    const found = await copy(source, draft, options);
    refuseExisting(target, options, 'somebody has made it meanwhile; choose another name');
    return { path: target, ...found };
  });
}

export interface Restored extends BackupView {
  /** Where the database that was there is kept; nothing where none was. */
  readonly kept: string | null;
}

/**
 * Puts the backup `source` in the place of the database `target`, once it is checked; the one that was there is kept
 * beside it. Of an older Vitrina's, the schema is brought up to date by the server that opens it.
 *
 * @throws VitrinaError `storage-in-use` while anybody has the database open; `path-unusable` when there is no backup, or
 *   there is a database and no `force`; `storage-damaged`, `storage-not-a-database`, `storage-newer`, `storage-unwritable`
 */
export async function restoreSqlite(source: string, target: string, options: BackupOptions = {}): Promise<Restored> {
  if (!existsSync(source)) {
    throw new VitrinaError('path-unusable', { path: source, problem: 'there is no such file; name a backup' });
  }
  const release = takeAlone(target);
  try {
    refuseExisting(target, options, 'replace it with --force; it is kept beside the restored one');
    return await replacing(target, async (draft) => {
      const found = await copy(source, draft, options);
      return { path: target, ...found, kept: setAside(target) };
    });
  } finally {
    release();
  }
}

/** As it is at one moment, whoever writes meanwhile; checked. */
async function copy(source: string, draft: string, options: BackupOptions): Promise<ReturnType<typeof settle>> {
  const connection = openChecked(source, { fileMustExist: true });
  try {
    await connection.backup(draft, { progress: () => 2 ** 31 - 1 });
  } catch (error) {
    throw toStorageError(error, source);
  } finally {
    connection.close();
  }
  return settle(draft, source, options);
}

/** Gives `make` a new file that its owner alone can read, and that name once `make` is done and the disk has it. */
async function replacing<T>(target: string, make: (draft: string) => Promise<T>): Promise<T> {
  const folder = dirname(resolve(target));
  const draft = `${resolve(target)}.${process.pid}.draft`;
  try {
    closeSync(openSync(draft, 'wx', 0o600));
  } catch (error) {
    throw toUnwritable(error, target);
  }
  try {
    const result = await make(draft);
    syncToDisk(draft);
    renameSync(draft, target);
    syncToDisk(folder);
    return result;
  } finally {
    for (const ending of ['', '-journal', '-wal', '-shm']) rmSync(draft + ending, { force: true });
  }
}

/**
 * Makes one file of the copy, which says of itself that a write-ahead log belongs to it, and reads all of it.
 *
 * @throws VitrinaError `storage-damaged`
 */
function settle(draft: string, source: string, { verify = false }: BackupOptions): Omit<BackupView, 'path'> {
  const connection = openChecked(draft, {}, source);
  try {
    connection.pragma('journal_mode = DELETE');
    const faults = connection.pragma('integrity_check') as { integrity_check: string }[];
    if (faults[0]?.integrity_check !== 'ok') {
      throw new VitrinaError('storage-damaged', {
        path: source,
        why: faults[0]?.integrity_check ?? 'nothing is in it',
      });
    }
    const schema = statesIn(connection, source).findLast(({ madeAt }) => madeAt !== null)?.name ?? null;
    const rows = verify ? { rows: countRows(connection, source) } : {};
    return { bytes: statSync(draft).size, schema, ...rows };
  } catch (error) {
    throw toStorageError(error, source);
  } finally {
    connection.close();
  }
}

function countRows(connection: SqliteFile.Database, path: string): Record<string, number> {
  const [broken] = connection.pragma('foreign_key_check') as { table: string; rowid: number; parent: string }[];
  if (broken !== undefined) {
    const why = `row ${broken.rowid} of ${broken.table} refers to a row of ${broken.parent} that is not there`;
    throw new VitrinaError('storage-damaged', { path, why });
  }
  const tables = connection
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")
    .pluck()
    .all() as string[];
  return Object.fromEntries(
    tables.map((name) => [name, connection.prepare(`select count(*) from "${name}"`).pluck().get() as number]),
  );
}

function refuseExisting(path: string, { force = false }: BackupOptions, next: string): void {
  if (!force && existsSync(path)) {
    throw new VitrinaError('path-unusable', { path, problem: `there is such a file already; ${next}` });
  }
}

/** @param shown the path that people know it by */
function openChecked(path: string, options: SqliteFile.Options, shown = path): SqliteFile.Database {
  let connection: SqliteFile.Database | undefined;
  try {
    connection = new SqliteFile(path, options);
    refuseForeign(connection, shown);
    return connection;
  } catch (error) {
    connection?.close();
    throw toStorageError(error, shown);
  }
}

/**
 * Keeps everybody else out of the database until it is released. In write-ahead logging everybody who has it open holds a
 * shared lock, and leaving that mode needs the file alone: https://www.sqlite.org/wal.html#persistence_of_wal_mode
 *
 * @throws VitrinaError `storage-in-use`
 */
function takeAlone(path: string): () => void {
  // SQLite would throw the log of such a file away, which somebody may want to look into.
  if (!existsSync(path) || !isSqlite(path)) return () => undefined;
  let connection: SqliteFile.Database | undefined;
  try {
    connection = new SqliteFile(path, { timeout: aloneMs });
    connection.pragma('journal_mode = DELETE');
    connection.exec('begin exclusive');
  } catch (error) {
    connection?.close();
    if (isBusy(error)) throw new VitrinaError('storage-in-use', { path }, { cause: error });
    // Damaged: nobody serves from it, and replacing it may be the reason to restore.
    return () => undefined;
  }
  const held = connection;
  return () => {
    held.close();
  };
}

/** By its first bytes: https://www.sqlite.org/fileformat.html#magic_header_string */
function isSqlite(path: string): boolean {
  const handle = openSync(path, 'r');
  try {
    const head = Buffer.alloc(16);
    readSync(handle, head, 0, 16, 0);
    return head.toString('latin1') === 'SQLite format 3\0';
  } finally {
    closeSync(handle);
  }
}

/** With its log, which would otherwise be taken for the restored one's. */
function setAside(path: string): string | null {
  if (!existsSync(path)) return null;
  const kept = `${path}.before-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
  for (const ending of ['-wal', '-shm', '-journal', '']) {
    if (existsSync(path + ending)) renameSync(path + ending, kept + ending);
  }
  return kept;
}

function syncToDisk(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
