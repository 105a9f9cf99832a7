/** The databases that Vitrina runs on, for tests that say what holds on each: `describe.each(databases)`. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { type DatabaseOptions, openDatabase, openMigrations, type Storage } from '../src/storage/index.js';

export interface TestDatabase {
  /** What `openDatabase` takes. */
  readonly options: DatabaseOptions;
  /** What the configuration of a server or a command says of it. */
  readonly flags: { readonly data: string; readonly 'database-url'?: string };
  /** Opens it, any number of times. */
  open(): Promise<Storage>;
  /** Closes what was opened, and removes it. */
  remove(): Promise<void>;
}

export interface DatabaseKind {
  readonly kind: Storage['kind'];
  /** A new one with the current schema, or (`empty`) without any. */
  fresh(schema?: 'current' | 'empty'): Promise<TestDatabase>;
}

export const sqlite: DatabaseKind = {
  kind: 'sqlite',
  fresh: async () => {
    const data = mkdtempSync(join(tmpdir(), 'vitrina-database-'));
    return testDatabase({ path: join(data, 'vitrina.db') }, { data }, async () => undefined);
  },
};

export const postgres: DatabaseKind = {
  kind: 'postgres',
  fresh: async (schema = 'current') => {
    const { url, remove } = await freshPostgres(schema);
    return testDatabase(
      { url },
      { data: mkdtempSync(join(tmpdir(), 'vitrina-database-')), 'database-url': url },
      remove,
    );
  },
};

export const databases: readonly DatabaseKind[] = [sqlite, postgres];

function testDatabase(
  options: DatabaseOptions,
  flags: TestDatabase['flags'],
  removeMore: () => Promise<void>,
): TestDatabase {
  const opened: Storage[] = [];
  return {
    options,
    flags,
    open: async () => {
      const storage = await openDatabase(options);
      opened.push(storage);
      return storage;
    },
    remove: async () => {
      await Promise.all(opened.map((storage) => storage.close()));
      await removeMore();
      rmSync(flags.data, { recursive: true, force: true });
    },
  };
}

/** A new database on the run's PostgreSQL. */
export async function freshPostgres(
  schema: 'current' | 'empty' = 'current',
): Promise<{ readonly url: string; remove(): Promise<void> }> {
  const origin = schema === 'empty' ? 'template0' : await template();
  const name = `vitrina_${inject('postgres').run}_${randomBytes(6).toString('hex')}`;
  await administer(`create database "${name}" template "${origin}"`);
  return { url: urlOf(name), remove: () => administer(`drop database "${name}" with (force)`) };
}

/** Runs a statement as the one who may do everything on the run's PostgreSQL. */
export async function administer(statement: string): Promise<void> {
  await administrators().query(statement);
}

let pool: pg.Pool | undefined;
function administrators(): pg.Pool {
  if (pool === undefined) {
    pool = new pg.Pool({ connectionString: inject('postgres').url, max: 2, allowExitOnIdle: true });
    pool.on('error', () => undefined);
  }
  return pool;
}

function urlOf(database: string): string {
  const url = new URL(inject('postgres').url);
  url.pathname = `/${database}`;
  return url.href;
}

let migrated: Promise<string> | undefined;
/** A database with the current schema, made once a run: a copy of it costs a tenth of the migrations. */
function template(): Promise<string> {
  migrated ??= makeTemplate();
  return migrated;
}

async function makeTemplate(): Promise<string> {
  const name = `vitrina_${inject('postgres').run}_template`;
  const client = await administrators().connect();
  try {
    // Test files run at the same time, in processes of their own.
    await client.query('select pg_advisory_lock(20)');
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) {
      await client.query(`create database "${name}_next" template template0`);
      const migrations = await openMigrations({ url: urlOf(`${name}_next`) });
      try {
        await migrations.up();
      } finally {
        await migrations.close();
      }
      await client.query(`alter database "${name}_next" rename to "${name}"`);
    }
    return name;
  } finally {
    client.release(true);
  }
}
