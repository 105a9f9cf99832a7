/** Quotas on a PostgreSQL whose answers get lost: what the caller is told failed must not count, and nothing stay taken. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Quotas, type SettledRecord } from '../../src/services/quotas/index.js';
import { openDatabase, type Storage } from '../../src/storage/index.js';
import { freshPostgres } from '../databases.js';
import { TcpProxy } from '../tcp-proxy.js';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const limits = { monthly: 10, daily: 10 };

let database: Awaited<ReturnType<typeof freshPostgres>>;
let proxy: TcpProxy;
let through: Storage;
let direct: Storage;
let quotas: Quotas;

beforeEach(async () => {
  database = await freshPostgres();
  const url = new URL(database.url);
  proxy = await TcpProxy.to(Number(url.port));
  url.port = String(proxy.port);
  [through, direct] = await Promise.all([openDatabase({ url: url.href }), openDatabase({ url: database.url })]);
  quotas = new Quotas(through, 'UTC');
});
afterEach(async () => {
  await quotas.close();
  await Promise.all([through.close(), direct.close()]);
  await proxy.close();
  await database.remove();
});

/** A record like that of an app. */
const recordOf = (id: string): SettledRecord => ({
  write: async (db) => {
    await db.insertInto('settings').values({ name: id, value: '', created_at: 0 }).execute();
  },
  undo: async (db) => {
    const { numDeletedRows } = await db.deleteFrom('settings').where('name', '=', id).executeTakeFirst();
    return numDeletedRows > 0n;
  },
});

const found = async () => ({
  used: (await direct.db.selectFrom('quota_counters').select('used').execute()).map(({ used }) => used),
  reserved: (await direct.db.selectFrom('quota_reservations').select('id').execute()).length,
  records: (await direct.db.selectFrom('settings').select('name').execute()).length,
});

/** When the late transaction is over and what undoes it has been repeated. */
async function settled(expected: Awaited<ReturnType<typeof found>>) {
  await sleep(1_500);
  const deadline = performance.now() + 15_000;
  while (performance.now() < deadline && JSON.stringify(await found()) !== JSON.stringify(expected)) await sleep(100);
  expect(await found()).toEqual(expected);
}

describe.each([
  ['at once', 0],
  ['late', 800],
])('a commit that comes through %s, and whose answer is lost', (_when, delayMs) => {
  it('takes nothing', async () => {
    proxy.breakAt('commit', delayMs);
    await expect(quotas.take('key:1', limits, 3)).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(proxy.isBreaking).toBe(false);
    await settled({ used: [0, 0], reserved: 0, records: 0 });
    expect((await quotas.take('key:1', limits, 10)).used).toBe(10);
  });

  it('settles nothing', async () => {
    const unit = await quotas.take('key:1', limits, 3);
    proxy.breakAt('commit', delayMs);
    await expect(unit.settle(recordOf(unit.id))).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(proxy.isBreaking).toBe(false);
    await settled({ used: [0, 0], reserved: 0, records: 0 });
  });

  it('gives back once', async () => {
    const [unit] = [await quotas.take('key:1', limits, 3), await quotas.take('key:1', limits, 1)];
    proxy.breakAt('commit', delayMs);
    await unit!.giveBack();
    expect(proxy.isBreaking).toBe(false);
    await settled({ used: [1, 1], reserved: 2, records: 0 });
  });
});
