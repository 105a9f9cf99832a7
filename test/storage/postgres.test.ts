import { spawnSync } from 'node:child_process';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { openDatabase, openMigrations, type Storage } from '../../src/storage/index.js';
import { administer, freshPostgres } from '../databases.js';
import { PostgresServer } from '../postgres-server.js';
import { TcpProxy } from '../tcp-proxy.js';

const unavailable = expect.objectContaining({
  code: 'storage-unavailable',
  status: 503,
  headers: { 'Retry-After': '1' },
});
const setting = (name: string, value = '') => ({ name, value, created_at: 1 });
const names = (storage: Storage) => storage.db.selectFrom('settings').select('name').execute();

/** A busy machine delays some, which is not what is asked for. */
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

/** Milliseconds, and what came of it. */
async function timed<T>(work: Promise<T>): Promise<{ ms: number; value?: T; error?: unknown }> {
  const began = performance.now();
  return work.then(
    (value) => ({ ms: performance.now() - began, value }),
    (error: unknown) => ({ ms: performance.now() - began, error }),
  );
}

async function until(holds: () => Promise<unknown>, withinMs: number): Promise<number> {
  const began = performance.now();
  for (;;) {
    const { error } = await timed(holds());
    if (error === undefined) return performance.now() - began;
    if (performance.now() - began > withinMs) throw error;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('openDatabase refuses, of PostgreSQL, in one clear line', () => {
  let url: URL;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    const fresh = await freshPostgres();
    url = new URL(fresh.url);
    remove = fresh.remove;
    await administer(`create role "guest ${url.pathname}" login password 'guest-secret'`);
  });
  afterAll(async () => {
    await remove();
    await administer(`drop role "guest ${url.pathname}"`);
  });

  const changed = (change: (url: URL) => void): string => {
    const copy = new URL(url);
    change(copy);
    return copy.href;
  };

  it.each<[string, (url: URL) => void, string, string]>([
    ['a wrong password', (to) => (to.password = 'wrong-secret'), 'storage-login-refused', 'password'],
    ['an unknown user', (to) => (to.username = 'nobody'), 'storage-login-refused', 'nobody'],
    ['no password', (to) => (to.password = ''), 'storage-login-refused', 'asks for a password'],
    ['an unknown database', (to) => (to.pathname = '/nowhere'), 'storage-database-unknown', 'nowhere'],
    ['an unknown host', (to) => (to.hostname = 'nowhere.invalid'), 'storage-host-unknown', 'nowhere.invalid'],
    ['a server without encryption', (to) => (to.search = '?sslmode=require'), 'storage-encryption-failed', 'SSL'],
    ['a missing authority', (to) => (to.search = '?sslmode=verify-ca&sslrootcert=/no.pem'), 'path-unusable', '/no.pem'],
    ['nobody there', (to) => (to.port = '1'), 'storage-unavailable', 'refuses connections'],
  ])('%s', async (_what, change, code, word) => {
    const { error, ms } = await timed(openDatabase({ url: changed(change), patienceMs: 300 }));
    expect(error).toBeInstanceOf(VitrinaError);
    const { message, fields, code: got } = error as VitrinaError;
    expect(got).toBe(code);
    expect(message).toContain(word);
    expect(message.split('\n')).toHaveLength(1);
    expect(ms).toBeLessThan(3_000);
    for (const secret of [url.password, 'wrong-secret']) {
      expect(message + JSON.stringify(fields)).not.toContain(secret);
    }
  });

  it('a user who may look but not make tables', async () => {
    const empty = await freshPostgres('empty');
    const guest = new URL(empty.url);
    guest.username = `guest ${url.pathname}`;
    guest.password = 'guest-secret';
    const migrations = await openMigrations({ url: guest.href });
    await expect(migrations.up()).rejects.toMatchObject({ code: 'storage-forbidden' });
    await migrations.close();
    const owned = new URL(url);
    owned.username = guest.username;
    owned.password = guest.password;
    await expect(openDatabase({ url: owned.href })).rejects.toMatchObject({ code: 'storage-forbidden' });
    await empty.remove();
  });
});

describe('on a PostgreSQL that is well', () => {
  let url: string;
  let remove: () => Promise<void>;
  const open: Storage[] = [];
  beforeEach(async () => {
    ({ url, remove } = await freshPostgres());
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((storage) => storage.close()));
    await remove();
  });
  const openWith = async (options: { pool?: number; timeoutMs?: number } = {}): Promise<Storage> => {
    const storage = await openDatabase({ url, ...options });
    open.push(storage);
    return storage;
  };

  it.each([
    ['57P01', true],
    ['57P03', true],
    ['53300', true],
    ['53100', true],
    ['40P01', true],
    ['40001', true],
    ['55P03', true],
    ['25006', true],
    ['08006', true],
    ['58030', true],
    ['23505', false],
    ['23503', false],
    ['42601', false],
    ['42703', false],
    ['22003', false],
    ['P0001', false],
  ])('takes the error %s for passing: %s', async (code, passing) => {
    const storage = await openWith({ pool: 1 });
    const raise = sql.raw(`do $$ begin raise exception 'raised' using errcode = '${code}'; end $$`).execute(storage.db);
    await expect(raise).rejects.toEqual(passing ? unavailable : expect.objectContaining({ message: 'raised', code }));
    expect(await names(storage)).toEqual([]);
  });

  it('lives in a schema of its own, beside another one in the same database', async () => {
    await openWith();
    await sql`create schema ward`.execute(open[0]!.db);
    const ward = `${url}?options=${encodeURIComponent('-c search_path=ward')}`;
    await expect(openDatabase({ url: ward })).rejects.toMatchObject({ code: 'storage-behind' });
    const migrations = await openMigrations({ url: ward });
    expect((await migrations.up()).length).toBeGreaterThan(0);
    open.push(await openDatabase({ url: ward }));
    await open[1]!.db.insertInto('settings').values(setting('a')).execute();
    expect(await names(open[0]!)).toEqual([]);
    expect(await migrations.down()).toBeDefined();
    await migrations.close();
    await expect(openDatabase({ url: ward })).rejects.toMatchObject({ code: 'storage-behind' });
    await openWith();
  });

  it('fails one of two transactions that wait for each other, as passing', async () => {
    const storage = await openWith();
    await storage.db
      .insertInto('settings')
      .values([setting('a'), setting('b')])
      .execute();
    const change = (first: string, second: string) =>
      storage.db.transaction().execute(async (transaction) => {
        await transaction.updateTable('settings').set({ value: 'x' }).where('name', '=', first).execute();
        await new Promise((resolve) => setTimeout(resolve, 200));
        await transaction.updateTable('settings').set({ value: 'x' }).where('name', '=', second).execute();
      });
    const outcomes = await Promise.allSettled([change('a', 'b'), change('b', 'a')]);
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(reasons).toEqual([unavailable]);
  });

  it('gives up a statement that takes too long, and goes on', async () => {
    const storage = await openWith({ timeoutMs: 200, pool: 1 });
    const { error, ms } = await timed(sql`select pg_sleep(5)`.execute(storage.db));
    expect(error).toEqual(unavailable);
    expect((error as Error).message).toContain('took too long');
    expect(ms).toBeLessThan(2_000);
    expect(await names(storage)).toEqual([]);
  });

  it('refuses who finds every connection in use, and nobody else', async () => {
    const storage = await openWith({ pool: 1 });
    let finish: () => void = () => undefined;
    const busy = storage.db.transaction().execute(async (transaction) => {
      await transaction.insertInto('settings').values(setting('a')).execute();
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    const { error, ms } = await timed(names(storage));
    expect(error).toEqual(unavailable);
    expect((error as Error).message).toContain('in use');
    expect(ms).toBeLessThan(4_000);
    finish();
    await busy;
    expect(await names(storage)).toEqual([{ name: 'a' }]);
  });

  it('works with the connections that the server grants it', async () => {
    const role = new URL(url).pathname.slice(1);
    await administer(`create role "${role}" login password 'p' connection limit 1`);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`grant all on all tables in schema public to "${role}"`);
    await client.end();
    const narrow = new URL(url);
    narrow.username = role;
    narrow.password = 'p';
    const storage = await openDatabase({ url: narrow.href, pool: 4 });
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () => timed(sql`select pg_sleep(0.3)`.execute(storage.db))),
    );
    const errors = outcomes.flatMap(({ error }) => (error === undefined ? [] : [error]));
    expect(errors.length).toBeLessThan(4);
    for (const error of errors) expect(error).toEqual(unavailable);
    expect(errors.length).toBeGreaterThan(0);
    // The connection that is there answers, whatever becomes of new ones.
    expect(await names(storage)).toEqual([]);
    await storage.close();
    await client.end().catch(() => undefined);
    open.push(await openDatabase({ url }));
    await sql`drop owned by ${sql.id(role)}`.execute(open[0]!.db);
    await administer(`drop role "${role}"`);
  });

  /** Ends every other connection to the database before this process can notice. */
  const cutConnections = () => {
    const script = `import pg from 'pg';
      const client = new pg.Client({ connectionString: process.argv[1] });
      await client.connect();
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');
      await client.end();`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, url], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  };

  it('reads, and begins transactions, on another connection when the one at hand was cut off unnoticed', async () => {
    const storage = await openWith({ pool: 2 });
    await storage.db.insertInto('settings').values(setting('a')).execute();
    for (let turn = 0; turn < 3; turn++) {
      cutConnections();
      expect(await names(storage)).toEqual([{ name: 'a' }]);
      cutConnections();
      const read = await storage.db
        .transaction()
        .execute((transaction) => transaction.selectFrom('settings').select('name').execute());
      expect(read).toEqual([{ name: 'a' }]);
    }
  });

  it('does not send a write twice, whatever became of the first', async () => {
    const storage = await openWith({ pool: 1 });
    await names(storage);
    cutConnections();
    await expect(storage.db.insertInto('settings').values(setting('a')).execute()).rejects.toEqual(unavailable);
    expect(await names(storage)).toEqual([]);
    const inside = storage.db.transaction().execute(async (transaction) => {
      await transaction.insertInto('settings').values(setting('b')).execute();
      cutConnections();
      return transaction.selectFrom('settings').select('name').execute();
    });
    await expect(inside).rejects.toEqual(unavailable);
    expect(await names(storage)).toEqual([]);
  });
});

describe('on a PostgreSQL that goes away', () => {
  let server: PostgresServer;
  let storage: Storage;
  let said: string[];
  const log = { warn: (line: string) => void said.push(line) };
  beforeAll(async () => {
    server = await PostgresServer.create();
    const migrations = await openMigrations({ url: server.url() });
    await migrations.up();
    await migrations.close();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    said = [];
  });
  afterEach(() => storage.close());

  it('refuses at once, and answers again within a second of its return', async () => {
    storage = await openDatabase({ url: server.url(), log });
    await Promise.all(Array.from({ length: 8 }, () => sql`select pg_sleep(0.05)`.execute(storage.db)));
    const inFlight = timed(sql`insert into settings select 'once', '', 1 from pg_sleep(5)`.execute(storage.db));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await server.kill();
    expect(await inFlight).toMatchObject({ error: unavailable });
    const refusals = await Promise.all(Array.from({ length: 200 }, () => timed(names(storage))));
    for (const { error } of refusals) expect(error).toEqual(unavailable);
    const waits: number[] = [];
    for (let turn = 0; turn < 50; turn++) {
      const { error, ms } = await timed(names(storage));
      expect(error).toEqual(unavailable);
      waits.push(ms);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(median(waits)).toBeLessThan(100);
    await expect(storage.ping()).rejects.toEqual(unavailable);
    await server.start();
    expect(await until(() => names(storage), 5_000)).toBeLessThan(1_500);
    expect(await names(storage)).toEqual([]);
    await until(() => storage.ping(), 1_500);
    expect(said).toEqual([
      expect.stringMatching(/^The database does not answer: /),
      expect.stringMatching(/^The database answers again, after \d+\.\d s\.$/),
    ]);
  }, 30_000);

  it('is waited for while it starts, and the log says so once', async () => {
    await server.kill();
    const opening = openDatabase({ url: server.url(), log });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await server.start();
    storage = await opening;
    expect(await names(storage)).toEqual([]);
    expect(said).toEqual([expect.stringContaining('does not answer yet: it refuses connections')]);
    expect(said[0]).not.toContain(new URL(server.url()).password);
  });

  it('finds out that it has fallen silent, and does not believe its old connections', async () => {
    const proxy = await TcpProxy.to(server.port);
    const through = new URL(server.url());
    through.port = String(proxy.port);
    storage = await openDatabase({ url: through.href, timeoutMs: 100, pool: 4, log });
    await Promise.all([1, 2, 3, 4].map(() => sql`select pg_sleep(0.05)`.execute(storage.db)));
    await storage.ping();
    proxy.silence();
    const { error, ms } = await timed(names(storage));
    expect(error).toEqual(unavailable);
    expect(ms).toBeLessThan(3_000);
    const waits: number[] = [];
    for (let turn = 0; turn < 5; turn++) waits.push((await timed(names(storage))).ms);
    expect(median(waits)).toBeLessThan(50);
    const ping = await timed(storage.ping());
    expect(ping.error).toEqual(unavailable);
    expect(ping.ms).toBeLessThan(1_500);
    proxy.resume();
    expect(await until(() => names(storage), 6_000)).toBeLessThan(5_000);
    await proxy.close();
  }, 30_000);
});
