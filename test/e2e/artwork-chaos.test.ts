/** The built program while processes, database and broker are killed: what was accepted is done once, and heard of. */
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../postgres-server.js';
import { missingTools, RabbitmqServer } from '../rabbitmq-server.js';
import { ArtworkHouse, type Backends, type Engine, postPackage, until } from './artwork-house.js';
import { imageServer, type Listening, type Manners, openEar } from './artwork-world.js';

/** The same seed kills the same processes after the same pauses. */
const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31));

/** Numbers from 0 to 1, as of Tommy Ettinger's Mulberry32. */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Plan {
  readonly engine: Engine;
  readonly servers: number;
  readonly workers: number;
  readonly kills: number;
  readonly packages: number;
  /** After so many kills the database, or the broker, is killed as well. */
  readonly databaseDies: readonly number[];
  readonly brokerDies: readonly number[];
}

/** A process that is started again whenever it ends, as by an init system. */
interface Supervised {
  readonly name: string;
  /** While it runs, and has said that it does. */
  url: string | undefined;
  kill: (() => void) | undefined;
}

class Chaos {
  killed = 0;
  over = false;
  /** What ended without having been killed. */
  readonly deserters: string[] = [];
  /** What processes have said of faults that nobody has foreseen. */
  readonly faults: string[] = [];
  readonly processes: Supervised[];
  private readonly loops: Promise<void>[];

  constructor(
    private readonly house: ArtworkHouse,
    private readonly plan: Plan,
    private readonly random: () => number,
  ) {
    const names = (what: string, count: number) => Array.from({ length: count }, (_, i) => `${what} ${i}`);
    this.processes = [...names('server', plan.servers), ...names('worker', plan.workers)].map((name) => ({
      name,
      url: undefined,
      kill: undefined,
    }));
    this.loops = this.processes.map((one) => this.supervise(one));
  }

  /** Kills, at random, one process after the other, and with them what they stand on. */
  async rage({ postgres, rabbitmq }: Backends): Promise<void> {
    // One after the other: neither can be killed while it starts.
    let databaseAway = Promise.resolve();
    let brokerAway = Promise.resolve();
    const die = (before: Promise<void>, backend: PostgresServer | RabbitmqServer, awayMs: number) => {
      const outage = before.then(() => this.restart(backend, awayMs));
      outage.catch(() => undefined);
      return outage;
    };
    while (this.killed < this.plan.kills) {
      await sleep(this.random() * 3_000);
      const pick = this.random();
      const running = this.processes.filter(({ kill }) => kill !== undefined);
      if (running.length === 0) continue;
      running[Math.floor(pick * running.length)]!.kill!();
      this.killed++;
      if (this.plan.databaseDies.includes(this.killed)) databaseAway = die(databaseAway, postgres!, 500 + pick * 3_000);
      if (this.plan.brokerDies.includes(this.killed)) brokerAway = die(brokerAway, rabbitmq!, pick * 2_000);
    }
    await Promise.all([databaseAway, brokerAway]);
  }

  async end(): Promise<void> {
    this.over = true;
    for (const { kill } of this.processes) kill?.();
    await Promise.all(this.loops);
  }

  private async restart(backend: PostgresServer | RabbitmqServer, awayMs: number): Promise<void> {
    await backend.kill();
    await sleep(awayMs);
    await backend.start();
  }

  private async supervise(one: Supervised): Promise<void> {
    while (!this.over) {
      let killed = false;
      try {
        const started = one.name.startsWith('server')
          ? await this.house.startServer()
          : await this.house.startWorker(8);
        one.url = 'url' in started ? started.url : undefined;
        one.kill = () => {
          killed = true;
          one.kill = undefined;
          one.url = undefined;
          started.child.kill('SIGKILL');
        };
        if (this.over) one.kill();
        const how = 'finished' in started ? `${(await started.finished).code}` : await started.ended;
        const said = 'printed' in started ? started.printed() : started.said();
        this.faults.push(...said.split('\n').filter((line) => /fault of its own|failed\./.test(line)));
        if (!killed) this.deserters.push(`${one.name} ended with ${how}: ${said}`);
      } catch {
        // It found no database when it started; whoever keeps it running tries again.
      }
      one.kill = undefined;
      one.url = undefined;
      await sleep(300);
    }
  }
}

/** Fails, hangs, dawdles and points elsewhere, as long as it is moody. */
function moody(random: () => number, isMoody: () => boolean, elsewhere: string): Manners {
  return (_call, response) => {
    const mood = isMoody() ? random() : 1;
    if (mood < 0.1) response.writeHead(500).end();
    else if (mood < 0.15) response.writeHead(307, { location: elsewhere }).end();
    // Between these two it says nothing, for ever.
    else if (mood >= 0.17 && mood < 0.2) setTimeout(() => response.end('{}'), random() * 3_000);
    return mood >= 0.17;
  };
}

/** Posts until it is told that the package was taken; gives the jobs that it was told of. */
async function insist(chaos: Chaos, body: object, random: () => number): Promise<string> {
  for (;;) {
    const urls = chaos.processes.flatMap(({ url }) => url ?? []);
    const url = urls[Math.floor(random() * urls.length)];
    try {
      if (url !== undefined) return (await postPackage(url, body, AbortSignal.timeout(10_000))).job_id;
    } catch {
      // Killed, or its database is away.
    }
    await sleep(100 + random() * 200);
  }
}

const plans: readonly Plan[] = [
  { engine: 'SQLite', servers: 2, workers: 0, kills: 10, packages: 200, databaseDies: [], brokerDies: [] },
  {
    engine: 'PostgreSQL and RabbitMQ',
    servers: 2,
    workers: 3,
    kills: 50,
    packages: 1_000,
    databaseDies: [6, 17, 28, 39],
    brokerDies: [10, 24, 36],
  },
];

const missing = missingTools();
if (missing.length > 0) console.warn(`\nSKIPPED: chaos on RabbitMQ, since there is no ${missing.join(', ')}\n`);
let backends: Backends;
let images: Listening;
beforeAll(async () => {
  backends = { postgres: await PostgresServer.create() };
  if (missing.length === 0) backends = { ...backends, rabbitmq: await RabbitmqServer.create() };
  images = await imageServer();
}, 180_000);
afterAll(async () => {
  await images?.close();
  await Promise.all([backends?.postgres?.stop(), backends?.rabbitmq?.stop()]);
}, 60_000);

describe(`chaos of the seed ${seed}`, () => {
  it.each(plans.filter(({ engine }) => missing.length === 0 || engine === 'SQLite'))(
    'on $engine costs nobody a package: $packages of them, $kills kills',
    { timeout: 600_000 },
    async (plan) => {
      const random = randomOf(seed);
      let trespasses = 0;
      const elsewhere = await openEar(() => {
        trespasses++;
        return true;
      });
      let raging = true;
      const ear = await openEar(moody(randomOf(seed + 1), () => raging, `${elsewhere.url}/called`));
      const env = { VITRINA_JOB_LEASE: '2', VITRINA_STOP_TIMEOUT: '5' };
      const house = await ArtworkHouse.open({ engine: plan.engine, backends, ear, env });
      const chaos = new Chaos(house, plan, random);
      try {
        const rage = chaos.rage(backends);
        const told = new Map<string, Set<string>>();
        const callers = randomOf(seed + 2);
        const post = async (n: number) => {
          // As many as go with the kills that have been, so that they come all the time.
          await until(() => chaos.killed >= (n / plan.packages) * plan.kills * 0.95 - 1, 550);
          const ntd = `package ${n}`;
          const source =
            n % 10 === 0 ? { zip_art: `${images.url}/${n}.zip` } : { arts_path: [`${images.url}/${n}.png`] };
          const body = { ntd_transaction_id: ntd, no_transaction_id: '7', ...source };
          const ids = [await insist(chaos, body, callers)];
          // Some have not heard the answer, and post once more.
          if (n % 5 === 0) ids.push(await insist(chaos, body, callers));
          told.set(ntd, new Set(ids));
        };
        let next = 0;
        const caller = async () => {
          while (next < plan.packages) await post(next++);
        };
        await Promise.all([rage, ...Array.from({ length: 16 }, caller)]);
        raging = false;

        const states = () =>
          house.look(async ({ db }) => {
            const rows = await db.selectFrom('jobs').select(['id', 'name', 'state', 'idempotency_key']).execute();
            return rows;
          });
        const isOver = async () =>
          (await states()).every(({ state }) => !['queued', 'running', 'scheduled'].includes(state));
        await until(isOver, 150);

        const rows = await states();
        const packages = rows.filter(({ name }) => name === 'no_training_data');
        const callbacks = rows.filter(({ name }) => name === 'artwork.callback');
        const ids = Array.from({ length: plan.packages }, (_, n) => `package ${n}`);
        expect(packages.map((row) => row.idempotency_key).sort()).toEqual(ids.toSorted());
        expect(packages.filter(({ state }) => state !== 'succeeded')).toEqual([]);
        expect(callbacks.filter(({ state }) => state !== 'succeeded')).toEqual([]);
        expect(callbacks).toHaveLength(plan.packages);
        const idOf = new Map(packages.map(({ id, idempotency_key }) => [idempotency_key!, id]));
        for (const [ntd, jobs] of told) expect([...jobs]).toEqual([idOf.get(ntd)]);

        const heard = ear.heard();
        expect([...heard.keys()].sort()).toEqual(ids.toSorted());
        for (const [ntd, calls] of heard) {
          for (const { body, signed } of calls) {
            expect([signed, body.job_id, body.status]).toEqual([true, idOf.get(ntd), 'succeeded']);
          }
        }
        expect(trespasses).toBe(0);
        await chaos.end();
        expect(chaos.deserters).toEqual([]);
        expect(chaos.faults).toEqual([]);
        expectTidy(
          house,
          packages.map(({ id }) => id),
        );
      } finally {
        await chaos.end();
        await house.close();
        await Promise.all([ear.close(), elsewhere.close()]);
      }
    },
  );
});

/** Each package has a folder, with what its manifest names and no more. */
function expectTidy(house: ArtworkHouse, jobs: readonly string[]): void {
  const folder = house.packagesFolder;
  expect(readdirSync(folder).sort()).toEqual(jobs.toSorted());
  for (const job of jobs) {
    const manifest = JSON.parse(readFileSync(join(folder, job, 'manifest.json'), 'utf8'));
    const named = manifest.images.map(({ thumbnail }: { thumbnail: string }) => thumbnail);
    expect([job, readdirSync(join(folder, job)).sort()]).toEqual([job, ['manifest.json', 'thumbnails']]);
    expect(
      readdirSync(join(folder, job, 'thumbnails'))
        .map((file) => `thumbnails/${file}`)
        .sort(),
    ).toEqual(named.sort());
    expect(named.every((name: string) => existsSync(join(folder, job, name)))).toBe(true);
  }
}
