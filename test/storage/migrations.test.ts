import { execFile } from 'node:child_process';
import { join } from 'node:path';
import SqliteFile from 'better-sqlite3';
import { Kysely, Migrator, PostgresDialect, SqliteDialect, sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DatabaseOptions, openDatabase, openMigrations } from '../../src/storage/index.js';
import { postgresDdl, sqliteDdl } from '../../src/storage/migrations/ddl.js';
import { migrations as known } from '../../src/storage/migrations/index.js';
import { databases, postgres, type TestDatabase } from '../databases.js';

const names = Object.keys(known(sqliteDdl));
const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

let database: TestDatabase;
afterEach(() => database.remove());

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `vitrina <words>` on the database. */
function vitrina(...words: string[]): Promise<Outcome> {
  const where = Object.entries(database.flags).flatMap(([name, value]) => [`--${name}`, value]);
  return new Promise((resolve) =>
    execFile(process.execPath, ['--import', 'tsx', main, ...words, ...where], (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    ),
  );
}

/** The database without anything of ours between. */
function plain(options: DatabaseOptions): Kysely<unknown> {
  if ('url' in options) {
    const pool = new pg.Pool({ connectionString: options.url, max: 1 });
    // Its last connection may still be closing when the database is dropped.
    pool.on('error', () => undefined);
    return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  }
  const file = new SqliteFile(options.path);
  file.pragma(`application_id = ${0x5654524e}`);
  return new Kysely<unknown>({ dialect: new SqliteDialect({ database: file }) });
}

/** Tables, columns, indexes and what refers to what. */
async function schemaOf(db: Kysely<unknown>, kind: string): Promise<unknown> {
  const tables = (await db.introspection.getTables()).map(({ name, columns }) => ({
    name,
    columns: columns.map((column) => ({ ...column })).sort((a, b) => a.name.localeCompare(b.name)),
  }));
  const rest =
    kind === 'sqlite'
      ? sql`select type, name, tbl_name from sqlite_master where tbl_name not like 'kysely%' and type <> 'table' order by name`
      : sql`select indexname as name, indexdef as definition from pg_indexes
            where schemaname = 'public' and tablename not like 'kysely%'
            union all select conname, pg_get_constraintdef(oid) from pg_constraint where contype in ('f', 'u', 'c')
            order by name, definition`;
  return { tables, rest: (await rest.execute(db)).rows };
}

describe.each(databases)('the migrations on $kind', ({ kind, fresh }) => {
  const ddl = kind === 'sqlite' ? sqliteDdl : postgresDdl;

  beforeEach(async () => {
    database = await fresh('empty');
  });

  it('are taken back one by one, each to what was there before it, with rows in the tables', async () => {
    const db = plain(database.options);
    const migrator = new Migrator({ db, provider: { getMigrations: async () => known(ddl) } });
    const before: unknown[] = [];
    for (const name of names) {
      before.push(await schemaOf(db, kind));
      const { error, results } = await migrator.migrateUp();
      expect(error).toBeUndefined();
      expect(results?.map(({ migrationName }) => migrationName)).toEqual([name]);
    }
    const after = await schemaOf(db, kind);
    await sql`insert into users (username, username_key, role, created_at, updated_at) values ('a', 'a', 'user', 1, 1)`.execute(
      db,
    );
    await sql`insert into api_keys (id, user_id, hash, scopes, created_at) values ('k', 1, 'h', 's', 1)`.execute(db);
    const migrations = await openMigrations(database.options);
    for (const name of [...names].reverse()) {
      expect(await migrations.down()).toBe(name);
      expect(await schemaOf(db, kind)).toEqual(before.pop());
    }
    expect(await migrations.down()).toBeUndefined();
    expect(await migrations.up()).toEqual(names);
    expect(await schemaOf(db, kind)).toEqual(after);
    await migrations.close();
    await db.destroy();
  });

  it('are made once by several that make them at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => openMigrations(database.options)));
    // Two connections of one process would wait for each other in SQLite, which blocks the process; see the next test.
    const turns = kind === 'sqlite' ? [[all[0]!], [all[1]!]] : [all];
    const made: string[] = [];
    for (const turn of turns) made.push(...(await Promise.all(turn.map((one) => one.up()))).flat());
    expect(made).toEqual(names);
    expect((await all[0]!.list()).map(({ name }) => name)).toEqual(names);
    await Promise.all(all.map((one) => one.close()));
  });

  it('are made, listed and taken back on the command line, and taken back only on demand', async () => {
    const missing = names.map((name) => ({ name, madeAt: null }));
    expect(JSON.parse((await vitrina('migrate', 'status', '--json')).out)).toEqual(missing);
    const ups = await Promise.all([1, 2, 3].map(() => vitrina('migrate', 'up', '--json')));
    expect(ups.map(({ code, err }) => ({ code, err }))).toEqual(ups.map(() => ({ code: 0, err: '' })));
    expect(ups.map(({ out }) => JSON.parse(out).made.length).sort()).toEqual([0, 0, names.length]);
    expect(await vitrina('migrate', 'up')).toEqual({ code: 0, out: '', err: 'Nothing is missing.\n' });
    const last = names.at(-1)!;
    expect((await vitrina('migrate', 'status')).out).toMatch(
      new RegExp(`^MIGRATION +MADE\\n(.*\\n)*${last} +\\d{4}-.*Z\\n$`),
    );

    const asked = await vitrina('migrate', 'down');
    expect([asked.code, asked.err.includes(last), asked.err.includes('--yes')]).toEqual([2, true, true]);
    await (await openDatabase(database.options)).close();
    expect(await vitrina('migrate', 'down', '--yes')).toEqual({ code: 0, out: '', err: `Taken back: ${last}.\n` });
    const states = JSON.parse((await vitrina('migrate', 'status', '--json')).out) as { madeAt: string | null }[];
    expect(states.filter(({ madeAt }) => madeAt === null)).toHaveLength(1);
  }, 60_000);

  it('of a newer Vitrina are left alone, by name', async () => {
    const migrations = await openMigrations(database.options);
    await migrations.up();
    const db = plain(database.options);
    await sql`insert into kysely_migration values ('999-future', '2030-01-01T00:00:00.000Z')`.execute(db);
    await db.destroy();
    const newer = expect.objectContaining({ code: 'storage-newer', message: expect.stringContaining('999-future') });
    for (const act of [() => migrations.list(), () => migrations.up(), () => migrations.down()]) {
      await expect(act()).rejects.toEqual(newer);
    }
    await migrations.close();
    await expect(openDatabase(database.options)).rejects.toEqual(newer);
    const { code, err } = await vitrina('users', 'list');
    expect([code, err.includes('999-future'), err.trim().split('\n').length]).toEqual([1, true, 1]);
  });
});

describe('a server on a PostgreSQL that is behind', () => {
  it('refuses to start, and names the command that helps', async () => {
    database = await postgres.fresh('empty');
    const behind = { code: 'storage-behind', message: expect.stringContaining('vitrina migrate up') };
    await expect(openDatabase(database.options)).rejects.toMatchObject({ ...behind, fields: { missing: names } });
    const migrations = await openMigrations(database.options);
    await migrations.up();
    await migrations.down();
    await migrations.close();
    await expect(openDatabase(database.options)).rejects.toMatchObject({
      ...behind,
      fields: { missing: names.slice(-1) },
    });
    const { code, err } = await vitrina('serve', '--port', '0');
    expect([code, err.trim().split('\n').length]).toEqual([1, 1]);
    expect(err).toContain('vitrina migrate up');
    expect(err).not.toContain(new URL(database.flags['database-url']!).password);
  }, 30_000);
});
