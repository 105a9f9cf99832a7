import { join } from 'node:path';
import type { Config } from '../config.js';
import type { BackupOptions, BackupView, Restored } from './backup.js';
import type { Migrations } from './migrating.js';
import type { PostgresOptions } from './postgres.js';
import type { Storage, StorageLog } from './storage.js';

export { FileLock } from './file-lock.js';
export type { MigrationState, Migrations } from './migrating.js';
export type { Storage } from './storage.js';

export interface SqliteOptions {
  /** The SQLite file, made with its folder when missing; `':memory:'` for one that ends with the process. */
  readonly path: string;
}

export type DatabaseOptions = SqliteOptions | PostgresOptions;

/** Where the configuration has the database: PostgreSQL where it names one, else a file in the data folder. */
export function databaseOptions(
  config: Pick<Config, 'data' | 'database-url' | 'database-pool' | 'database-timeout-ms'>,
  log?: StorageLog,
): DatabaseOptions {
  const url = config['database-url'];
  if (url === undefined) return { path: join(config.data, 'vitrina.db') };
  const limits = { pool: config['database-pool'], timeoutMs: config['database-timeout-ms'] };
  return { url, ...limits, ...(log === undefined ? {} : { log }) };
}

/**
 * Opens the database. A SQLite file is brought to the current schema, which several processes may do at once; a
 * PostgreSQL must have it already (`openMigrations`), and is waited for while it starts.
 *
 * @throws VitrinaError `storage-newer`, `storage-unavailable`; of a file `storage-unwritable`, `storage-not-a-database`,
 *   `storage-damaged`; of a PostgreSQL `storage-behind`, `storage-host-unknown`, `storage-database-unknown`,
 *   `storage-login-refused`, `storage-forbidden`, `storage-encryption-failed`, `path-unusable`
 */
export async function openDatabase(options: DatabaseOptions): Promise<Storage> {
  // What is not used is not loaded: it would cost every start.
  if ('url' in options) return (await import('./postgres.js')).openPostgres(options);
  return (await import('./sqlite.js')).openSqlite(options.path);
}

/**
 * Copies a SQLite database while it is used, and puts such a copy back: see `backup.ts`.
 *
 * @throws VitrinaError those of `backUpSqlite`, `restoreSqlite`
 */
export async function backUpSqlite(source: string, target: string, options?: BackupOptions): Promise<BackupView> {
  return (await import('./backup.js')).backUpSqlite(source, target, options);
}

export async function restoreSqlite(source: string, target: string, options?: BackupOptions): Promise<Restored> {
  return (await import('./backup.js')).restoreSqlite(source, target, options);
}

/** Opens the history of the schema, in whatever state it is. Errors: those of `openDatabase` but `storage-behind`. */
export async function openMigrations(options: DatabaseOptions): Promise<Migrations> {
  if ('url' in options) return (await import('./postgres.js')).openPostgresMigrations(options);
  return (await import('./sqlite.js')).openSqliteMigrations(options.path);
}
