/** The built program under load, while its database or one of two servers is killed: what was answered is what counts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Quotas } from '../../src/services/quotas/index.js';
import type { Storage } from '../../src/storage/index.js';
import { PostgresServer } from '../postgres-server.js';
import {
  classify,
  makeUser,
  type Place,
  postgresPlace,
  recordsOf,
  type SpamUser,
  sleep,
  sqlitePlace,
  unitsOf,
  withServers,
} from './spam-servers.js';
import type { Served } from './spawn.js';

const limit = 1_000_000;
const deaths = 3;
let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.create();
});
afterAll(() => server.stop());

interface Heard {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
  readonly at: number;
}

interface Load {
  /** Answers of status 200, by user. */
  readonly good: Map<number, number>;
  /** When each of them came. */
  readonly goodAt: number[];
  readonly others: Heard[];
  /** Requests without an answer, by user, and why. */
  readonly unanswered: Map<number, number>;
  readonly reasons: Set<string>;
  stop(): Promise<void>;
}

/** Users who ask one server and then the other, again and again, two requests of each at once. */
function predictInLoops(servers: readonly Served[], users: readonly SpamUser[]): Load {
  const add = (counts: Map<number, number>, id: number) => counts.set(id, (counts.get(id) ?? 0) + 1);
  const load: Omit<Load, 'stop'> = {
    good: new Map(),
    goodAt: [],
    others: [],
    unanswered: new Map(),
    reasons: new Set(),
  };
  let on = true;
  const loop = async (user: SpamUser, first: number) => {
    for (let turn = first; on; turn++) {
      try {
        const { status, text, retryAfter } = await classify(servers[turn % servers.length]!.url, user, 'win a prize');
        if (status === 200) {
          add(load.good, user.id);
          load.goodAt.push(performance.now());
          continue;
        }
        load.others.push({ status, text, retryAfter, at: performance.now() });
      } catch (error) {
        add(load.unanswered, user.id);
        load.reasons.add(String((error as Error).cause ?? error));
      }
      await sleep(20);
    }
  };
  const loops = users.flatMap((user) => [loop(user, 0), loop(user, 1)]);
  const stop = async () => {
    on = false;
    await Promise.all(loops);
  };
  return { ...load, stop };
}

const makeUsers = (served: Served, count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => makeUser(served.url, `user${i}`)));

const inOrder = (counts: ReadonlyMap<number, number>) => [...counts].sort(([a], [b]) => a - b);

/** Units counted of each user. */
async function countedOf(storage: Storage, table: 'quota_counters' | 'quota_reservations' = 'quota_counters') {
  const units = await unitsOf(storage, table);
  return new Map([...units].map(([subject, count]) => [Number(subject.replace('spam:', '')), count]));
}

/** Asks until `right` says so or the time is over. */
async function until(right: () => boolean | Promise<boolean>, ms: number): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await right()) && performance.now() < deadline) await sleep(50);
}

describe('a PostgreSQL that dies under predictions', () => {
  it('costs 503s, and what is counted is what is recorded and was answered', { timeout: 120_000 }, async () => {
    const place = await postgresPlace(server, limit);
    const flags = [1, 2].map(() => ['--only', 'spam']);
    await withServers(place, flags, async (servers) => {
      const users = await makeUsers(servers[0]!, 12);
      const load = predictInLoops(servers, users);
      const recoveries: number[] = [];
      for (let death = 0; death < deaths; death++) {
        await sleep(700 + Math.random() * 1_300);
        await server.kill();
        await sleep(1_000);
        await server.start();
        const back = performance.now();
        const recovered = () => load.goodAt.at(-1)! > back;
        await until(recovered, 20_000);
        recoveries.push(load.goodAt.find((at) => at > back)! - back);
      }
      await sleep(500);
      await load.stop();

      expect(load.reasons).toEqual(new Set());
      for (const { status, retryAfter, text } of load.others) {
        expect([status, Number(retryAfter) > 0]).toEqual([503, true]);
        expect(text).toContain('database');
      }
      expect(load.others.length).toBeGreaterThan(deaths);
      for (const ms of recoveries) expect(ms).toBeLessThan(5_000);
      const storage = await place.open();
      try {
        await until(async () => (await countedOf(storage, 'quota_reservations')).size === 0, 15_000);
        expect(await countedOf(storage, 'quota_reservations')).toEqual(new Map());
        const heard = inOrder(load.good);
        expect(heard).toHaveLength(users.length);
        expect(inOrder(await recordsOf(storage))).toEqual(heard);
        expect(inOrder(await countedOf(storage))).toEqual(heard);
      } finally {
        await storage.close();
      }
    });
  });
});

describe.each([
  { kind: 'sqlite', make: async (): Promise<Place> => sqlitePlace(limit) },
  { kind: 'postgres', make: () => postgresPlace(server, limit) },
])('one of two servers on $kind', ({ make }) => {
  it('may die under predictions: what it held is given back when its time is over', { timeout: 60_000 }, async () => {
    const place = await make();
    const flags = [1, 2].map(() => ['--only', 'spam']);
    await withServers(place, flags, async (servers, storage) => {
      const users = await makeUsers(servers[0]!, 8);
      const load = predictInLoops(servers, users);
      await sleep(1_000 + Math.random() * 500);
      servers[1]!.child.kill('SIGKILL');
      await servers[1]!.finished;
      const killed = performance.now();
      await until(() => load.goodAt.filter((at) => at > killed).length > 50, 20_000);
      await load.stop();

      expect(load.others).toEqual([]);
      expect(load.goodAt.filter((at) => at > killed).length).toBeGreaterThan(50);
      const recorded = await recordsOf(storage);
      for (const { id } of users) {
        const [heard, kept] = [load.good.get(id) ?? 0, recorded.get(id) ?? 0];
        // An answer may have been on its way when its server died.
        expect(kept).toBeGreaterThanOrEqual(heard);
        expect(kept - heard).toBeLessThanOrEqual(2);
      }
      const held = await countedOf(storage, 'quota_reservations');
      const counted = new Map([...(await countedOf(storage))].map(([id, units]) => [id, units - (held.get(id) ?? 0)]));
      expect(inOrder(counted)).toEqual(inOrder(recorded));

      const later = new Quotas(storage, 'UTC', () => Date.now() + 3 * 3_600_000);
      await later.sweep();
      await later.close();
      expect(await countedOf(storage, 'quota_reservations')).toEqual(new Map());
      expect(inOrder(await countedOf(storage))).toEqual(inOrder(recorded));
    });
  });
});
