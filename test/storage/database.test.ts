import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Storage } from '../../src/storage/index.js';
import { databases, type TestDatabase } from '../databases.js';

const run = promisify(execFile);
const program = (name: string, ...words: string[]) =>
  run(process.execPath, ['--import', 'tsx', join(import.meta.dirname, name), ...words]);

const user = (name: string) => ({
  username: name,
  username_key: name,
  password_hash: null,
  role: 'user' as const,
  disabled_at: null,
  created_at: 1,
  updated_at: 1,
});

describe.each(databases)('a database of $kind', ({ kind, fresh }) => {
  let database: TestDatabase;
  let storage: Storage;
  let db: Storage['db'];

  beforeEach(async () => {
    database = await fresh();
    storage = await database.open();
    db = storage.db;
  });

  afterEach(() => database.remove());

  it('says what it is, and answers', async () => {
    expect(storage.kind).toBe(kind);
    await storage.ping();
    const { password } = new URL('url' in database.options ? database.options.url : 'file:');
    if (password !== '') expect(storage.location).not.toContain(password);
  });

  it('finds what was written when it opens again', async () => {
    await db.insertInto('users').values(user('ana')).execute();
    await storage.close();
    const second = await database.open();
    expect(await second.db.selectFrom('users').select('username').execute()).toEqual([{ username: 'ana' }]);
  });

  it('keeps foreign keys and never uses a number twice', async () => {
    const { id } = await db.insertInto('users').values(user('ana')).returning('id').executeTakeFirstOrThrow();
    const key = { id: 'k', user_id: id, name: null, hash: '', scopes: '', expires_at: null, created_at: 1 };
    const rest = { last_used_at: null, revoked_at: null };
    await db
      .insertInto('api_keys')
      .values({ ...key, ...rest })
      .execute();
    const dangling = db.insertInto('api_keys').values({ ...key, ...rest, id: 'l', user_id: 99 });
    await expect(dangling.execute()).rejects.toThrow(/foreign key/i);
    await db.deleteFrom('users').where('id', '=', id).execute();
    expect(await db.selectFrom('api_keys').selectAll().execute()).toEqual([]);
    const next = await db.insertInto('users').values(user('ben')).returning('id').executeTakeFirstOrThrow();
    expect(next.id).toBeGreaterThan(id);
  });

  it('gives numbers as numbers, times of any century among them, and says how many rows it changed', async () => {
    const times = [0, 1, Date.now(), 253_402_300_799_999];
    for (const time of times) {
      await db
        .insertInto('settings')
        .values({ name: String(time), value: 'ä€😀', created_at: time })
        .execute();
    }
    const rows = await db.selectFrom('settings').selectAll().orderBy('created_at').execute();
    expect(rows).toEqual(times.map((time) => ({ name: String(time), value: 'ä€😀', created_at: time })));
    const count = await db.selectFrom('settings').select(db.fn.countAll<number>().as('rows')).executeTakeFirst();
    expect(count).toEqual({ rows: 4 });
    const changed = await db.updateTable('settings').set({ value: '' }).where('created_at', '>', 0).executeTakeFirst();
    expect(changed.numUpdatedRows).toBe(3n);
  });

  it('loses no update of several processes that lock what they read, and fails none of them', async () => {
    await db.insertInto('settings').values({ name: 'counter', value: '0', created_at: 1 }).execute();
    const options = JSON.stringify(database.options);
    await Promise.all([1, 2, 3].map(() => program('counting-process.ts', options, '100')));
    const { value } = await db.selectFrom('settings').select('value').executeTakeFirstOrThrow();
    expect(value).toBe('300');
  }, 60_000);

  it('undoes a transaction that throws, or that the database refuses, and goes on', async () => {
    const failing = db.transaction().execute(async (transaction) => {
      await transaction.insertInto('users').values(user('ana')).execute();
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    const refused = db.transaction().execute(async (transaction) => {
      await transaction.insertInto('users').values(user('ana')).execute();
      await transaction.insertInto('users').values(user('ana')).execute();
    });
    await expect(refused).rejects.toThrow(/unique/i);
    expect(await db.selectFrom('users').selectAll().execute()).toEqual([]);
  });

  it('gives a fault of the program back as it is', async () => {
    await expect(sql`select * from nowhere`.execute(db)).rejects.toThrow(/nowhere/);
    await expect(sql`select * from nowhere`.execute(db)).rejects.not.toHaveProperty('fields');
  });

  it('is set up once by several processes that start at once', async () => {
    const options = JSON.stringify(database.options);
    const starts = Array.from({ length: 4 }, () => program('starting-process.ts', options));
    const found = (await Promise.all(starts)).map(({ stdout }) => JSON.parse(stdout));
    expect(found.filter(({ key }) => key !== null)).toHaveLength(1);
    expect(new Set(found.map(({ secret }) => secret)).size).toBe(1);
  }, 60_000);

  it('answers no ping once it is closed', async () => {
    const other = await openDatabase(database.options);
    await other.close();
    await expect(other.ping()).rejects.toThrow();
  });
});
