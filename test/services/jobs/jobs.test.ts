import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { defineJob, type JobDefinition, JobPostponed, JobRefused } from '../../../src/services/jobs/job.js';
import { JobDesk } from '../../../src/services/jobs/job-desk.js';
import { JobQueue } from '../../../src/services/jobs/job-queue.js';
import { JobSweeper } from '../../../src/services/jobs/job-sweeper.js';
import { JobWorker } from '../../../src/services/jobs/job-worker.js';
import type { Storage } from '../../../src/storage/index.js';
import { databases, type TestDatabase } from '../../databases.js';

const silent = { warn: () => undefined, error: () => undefined };
const Input = Type.Object({ n: Type.Integer() }, { additionalProperties: false });

let database: TestDatabase;
let storage: Storage;
const stops: (() => Promise<void>)[] = [];

interface House {
  readonly queue: JobQueue;
  readonly worker: JobWorker;
  readonly sweeper: JobSweeper;
}

/** A process that asks for jobs and does them, on a connection of its own. */
async function house(
  definitions: readonly JobDefinition[],
  { concurrency = 4, leaseMs = 3_000, clock }: { concurrency?: number; leaseMs?: number; clock?: () => number } = {},
): Promise<House> {
  const own = await database.open();
  const time = clock === undefined ? {} : { clock };
  const worker = new JobWorker({ storage: own, definitions, concurrency, leaseMs, pollMs: 50, log: silent, ...time });
  const wake = () => worker.wake();
  const queue = new JobQueue({ storage: own, keepDays: 7, wake, ...time });
  const sweeper = new JobSweeper({
    storage: own,
    queue,
    definitions,
    wake,
    announcing: false,
    log: silent,
    everyMs: 40,
    ...time,
  });
  stops.push(async () => {
    await sweeper.stop();
    await worker.stop(0);
  });
  return { queue, worker, sweeper };
}

const start = ({ worker, sweeper }: House) => {
  worker.start();
  sweeper.start();
};
const states = async () => {
  const rows = await storage.db.selectFrom('jobs').select(['id', 'state']).orderBy('id').execute();
  return rows.map(({ state }) => state);
};
const until = async (what: () => Promise<boolean> | boolean, seconds = 20) => {
  const deadline = Date.now() + seconds * 1000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`It did not come to pass within ${seconds} s`);
    await sleep(15);
  }
};
const ended = async (count: number) => {
  await until(
    async () => (await states()).filter((state) => /succeeded|failed|cancelled/.test(state)).length === count,
  );
};
const quick = { attempts: 3, firstDelayMs: 20, mostDelayMs: 60 };

describe.each(databases)('on $kind', ({ kind: databaseKind, fresh }) => {
  beforeEach(async () => {
    database = await fresh();
    storage = await database.open();
  });

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    await database.remove();
  });

  it('runs what was asked for, once, and keeps what it gave', async () => {
    const ran: number[] = [];
    const double = defineJob({
      name: 'double',
      input: Input,
      async run({ input, id, attempt }) {
        ran.push(input.n);
        return { twice: input.n * 2, id, attempt };
      },
    });
    const houses = [await house([double]), await house([double]), await house([double])];
    const asked = await Promise.all(Array.from({ length: 200 }, (_, n) => houses[n % 3]!.queue.enqueue(double, { n })));
    for (const one of houses) start(one);
    await ended(200);
    expect(ran.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    const row = await new JobDesk(storage).find(asked[7]!.id);
    expect(row).toMatchObject({ state: 'succeeded', attempts: 1, worker: null, lease_until: null });
    expect(JSON.parse(row.result!)).toEqual({ twice: 14, id: asked[7]!.id, attempt: 1 });
    expect(row.expires_at! - row.finished_at!).toBe(7 * 86_400_000);
    expect(await new JobDesk(storage).totals()).toEqual([{ name: 'double', outcome: 'succeeded', count: 200 }]);
  });

  it('makes one job of a hundred with the same key that come at once', async () => {
    const kind = { name: 'once', input: Input };
    const houses = [await house([]), await house([])];
    const asked = await Promise.all(
      Array.from({ length: 100 }, (_, i) => houses[i % 2]!.queue.enqueue(kind, { n: i }, { idempotencyKey: 'x' })),
    );
    expect(new Set(asked.map(({ id }) => id)).size).toBe(1);
    expect(asked.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(await states()).toEqual(['queued']);
  });

  it('keeps what was asked for in a transaction only when that is committed', async () => {
    const kind = { name: 'within', input: Input };
    const { queue } = await house([]);
    const { db } = await database.open();
    await expect(
      db.transaction().execute(async (transaction) => {
        await queue.enqueueIn(transaction, kind, { n: 1 });
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await states()).toEqual([]);
    await db.transaction().execute((transaction) => queue.enqueueIn(transaction, kind, { n: 2 }));
    expect(await states()).toEqual(['queued']);
  });

  it('goes by priority, then by age', async () => {
    const order: number[] = [];
    const kind = defineJob({ name: 'order', input: Input, run: async ({ input }) => void order.push(input.n) });
    const one = await house([kind], { concurrency: 1 });
    for (const [n, priority] of [0, 5, -3, 0, 5].entries()) await one.queue.enqueue(kind, { n }, { priority });
    start(one);
    await ended(5);
    expect(order).toEqual([1, 4, 0, 3, 2]);
  });

  it('tries again what failed, with its attempts on record, and then gives up', async () => {
    const ends: unknown[] = [];
    const kind = defineJob({
      name: 'flaky',
      input: Input,
      retry: quick,
      async run({ input, attempt }) {
        if (attempt <= input.n) throw new VitrinaError('storage-unavailable', { why: `attempt ${attempt}` });
        return attempt;
      },
      ended: async (transaction, job) => {
        ends.push(job);
        await transaction
          .insertInto('settings')
          .values({ name: `end ${ends.length}`, value: job.state, created_at: 1 })
          .execute();
      },
    });
    const one = await house([kind]);
    const [lucky, unlucky] = [await one.queue.enqueue(kind, { n: 2 }), await one.queue.enqueue(kind, { n: 9 })];
    start(one);
    await ended(2);
    const desk = new JobDesk(storage);
    expect(await desk.find(lucky.id)).toMatchObject({ state: 'succeeded', attempts: 3, result: '3', error: null });
    expect((await desk.attempts(lucky.id)).map(({ attempt }) => attempt)).toEqual([1, 2]);
    const failed = await desk.find(unlucky.id);
    expect(failed).toMatchObject({ state: 'failed', attempts: 3 });
    expect(JSON.parse(failed.error!)).toEqual({
      code: 'storage-unavailable',
      message: 'The database does not answer: attempt 3. Try again in a moment.',
    });
    expect(ends).toHaveLength(1);
    expect(await storage.db.selectFrom('settings').select('value').where('name', 'like', 'end %').execute()).toEqual([
      { value: 'failed' },
    ]);
    await desk.retry(unlucky.id);
    await until(async () => (await desk.find(unlucky.id)).attempts === 6);
    await ended(2);
    expect(await desk.attempts(unlucky.id)).toHaveLength(6);
  });

  it('does not try again what is refused, and says nothing of faults of its own', async () => {
    const kind = defineJob({
      name: 'refusing',
      input: Input,
      async run({ input }) {
        if (input.n === 0) throw new JobRefused('The package is none.', 'package-invalid');
        if (input.n === 1) throw new VitrinaError('request-abandoned', {});
        throw new Error('secret');
      },
      retry: { attempts: 1 },
    });
    const one = await house([kind]);
    for (const n of [0, 1, 2]) await one.queue.enqueue(kind, { n });
    start(one);
    await ended(3);
    const errors = (await storage.db.selectFrom('jobs').select('error').orderBy('id').execute()).map(
      ({ error }) => error,
    );
    expect(errors[0]).toBe('{"code":"package-invalid","message":"The package is none."}');
    expect(errors[1]).toContain('request-abandoned');
    expect(errors[2]).toContain('"internal"');
    expect(errors[2]).not.toContain('secret');
  });

  it('waits as long as it is told to, and no longer than it may', async () => {
    const times: number[] = [];
    const kind = defineJob({
      name: 'postponed',
      input: Input,
      retry: { attempts: 100, firstDelayMs: 1, mostDelayMs: 1, withinMs: 900 },
      async run() {
        times.push(Date.now());
        throw new JobPostponed('Not yet.', 300);
      },
    });
    const one = await house([kind]);
    const asked = Date.now();
    await one.queue.enqueue(kind, { n: 0 }, { delayMs: 200 });
    start(one);
    await ended(1);
    expect(times[0]! - asked).toBeGreaterThanOrEqual(199);
    for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).toBeGreaterThanOrEqual(295);
    expect(times.length).toBeGreaterThan(1);
    expect(times.length).toBeLessThan(5);
  });

  it('keeps to the limits of a kind and of a key, over all workers', async () => {
    let now = 0;
    let most = 0;
    const byKey = new Map<string, number>();
    let mostOfKey = 0;
    const work = (name: string, concurrency?: number) =>
      defineJob({
        name,
        input: Input,
        ...(concurrency === undefined ? {} : { concurrency }),
        async run({ input }) {
          const key = name === 'keyed' ? `k${input.n % 3}` : undefined;
          if (key === undefined) most = Math.max(most, ++now);
          else {
            byKey.set(key, (byKey.get(key) ?? 0) + 1);
            mostOfKey = Math.max(mostOfKey, byKey.get(key)!);
          }
          await sleep(5);
          if (key === undefined) now--;
          else byKey.set(key, byKey.get(key)! - 1);
        },
      });
    const [few, keyed] = [work('few', 3), work('keyed')];
    const houses = [await house([few, keyed], { concurrency: 8 }), await house([few, keyed], { concurrency: 8 })];
    for (let n = 0; n < 40; n++) {
      await houses[n % 2]!.queue.enqueue(few, { n });
      await houses[n % 2]!.queue.enqueue(keyed, { n }, { limit: { key: `k${n % 3}`, most: 2 } });
    }
    for (const one of houses) start(one);
    await ended(80);
    expect(most).toBe(3);
    expect(mostOfKey).toBe(2);
  });

  it('cancels what waits, and stops what runs', async () => {
    let stopped: unknown;
    const kind = defineJob({
      name: 'endless',
      input: Input,
      run: ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            stopped = signal.reason;
            reject(signal.reason);
          });
        }),
    });
    const one = await house([kind], { leaseMs: 300, concurrency: 1 });
    const [running, waiting] = [await one.queue.enqueue(kind, { n: 1 }), await one.queue.enqueue(kind, { n: 2 })];
    start(one);
    const desk = new JobDesk(storage);
    await until(async () => (await desk.find(running.id)).state === 'running');
    expect((await desk.cancel(waiting.id)).state).toBe('cancelled');
    expect((await desk.cancel(running.id)).state).toBe('running');
    await ended(2);
    expect((await desk.find(running.id)).state).toBe('cancelled');
    expect(String(stopped)).toContain('cancelled');
    await expect(desk.cancel(running.id)).resolves.toMatchObject({ state: 'cancelled' });
    await expect(desk.cancel('nobody')).rejects.toMatchObject({ code: 'job-unknown' });
  });

  it('gives jobs of a worker that says nothing to another, and writes nothing of what the first does', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const kind = (who: string, work: () => Promise<void>) =>
      defineJob({ name: 'leased', input: Input, retry: quick, run: () => work().then(() => who) });
    const slow = await house([kind('slow', () => held)], { leaseMs: 200 });
    // A process that hangs renews nothing.
    Object.assign(slow.worker, { renew: async () => undefined });
    const { id } = await slow.queue.enqueue(
      kind('', async () => undefined),
      { n: 0 },
    );
    slow.worker.start();
    const desk = new JobDesk(storage);
    await until(async () => (await desk.find(id)).state === 'running');
    const other = await house([kind('other', async () => undefined)]);
    start(other);
    await ended(1);
    release();
    await sleep(100);
    expect(await desk.find(id)).toMatchObject({ state: 'succeeded', result: '"other"', attempts: 2 });
    expect((await desk.attempts(id)).map(({ error }) => JSON.parse(error).code)).toEqual(['job-worker-lost']);
  });

  it('ends what kills every worker that takes it', async () => {
    const kind = defineJob({ name: 'poison', input: Input, retry: quick, run: () => new Promise(() => undefined) });
    const desk = new JobDesk(storage);
    const first = await house([]);
    const { id } = await first.queue.enqueue(kind, { n: 0 });
    let clock = Date.now();
    for (let attempt = 1; attempt <= 3; attempt++) {
      clock += 60_000;
      const dying = await house([kind], { clock: () => clock, leaseMs: 1_000 });
      await dying.sweeper.sweep();
      dying.worker.start();
      await until(async () => (await desk.find(id)).attempts === attempt);
      // Its results reach nobody.
      Object.assign(dying.worker, { stop: async () => undefined });
    }
    clock += 60_000;
    await (await house([kind], { clock: () => clock })).sweeper.sweep();
    expect(await desk.find(id)).toMatchObject({ state: 'failed', attempts: 3 });
  });

  it('gives back what it has not ended when it stops, as if it had not been taken', async () => {
    const kind = defineJob({
      name: 'long',
      input: Input,
      retry: { attempts: 1 },
      run: () => new Promise(() => undefined),
    });
    const one = await house([kind]);
    const { id } = await one.queue.enqueue(kind, { n: 0 });
    one.worker.start();
    const desk = new JobDesk(storage);
    await until(async () => (await desk.find(id)).state === 'running');
    await one.worker.stop(20);
    expect(await desk.find(id)).toMatchObject({ state: 'queued', worker: null, attempts: 1, attempts_before: 1 });
  });

  it('does what belongs to success with it, or not at all', async () => {
    let attempts = 0;
    const next = { name: 'next', input: Input };
    const one: House = await house([
      defineJob({
        name: 'first',
        input: Input,
        retry: quick,
        async run({ whenDone, input }) {
          whenDone(async (transaction) => {
            await one.queue.enqueueIn(transaction, next, { n: input.n });
            if (++attempts === 1) throw new Error('lost in between');
          });
          return 'x';
        },
      }),
    ]);
    await one.queue.enqueue({ name: 'first', input: Input }, { n: 5 });
    start(one);
    await ended(1);
    const rows = await storage.db.selectFrom('jobs').select(['name', 'state', 'input']).orderBy('id').execute();
    expect(rows).toEqual([
      { name: 'first', state: 'succeeded', input: '{"n":5}' },
      { name: 'next', state: 'queued', input: '{"n":5}' },
    ]);
    expect(attempts).toBe(2);
  });

  it('makes what recurs once for all workers, and removes what has been kept long enough', async () => {
    let clock = Date.parse('2026-03-01T00:00:30Z');
    const kind = defineJob({
      name: 'nightly',
      input: Type.Object({}),
      schedule: { cron: '*/5 * * * *' },
      keepDays: 1,
      run: async () => 'done',
    });
    const houses: House[] = [];
    for (let i = 0; i < 3; i++) houses.push(await house([kind], { clock: () => clock }));
    // In one process, a connection to SQLite that waits for another one's transaction keeps that from going on.
    const sweepAll = async () => {
      if (databaseKind === 'postgres') await Promise.all(houses.map(({ sweeper }) => sweeper.sweep()));
      else for (const { sweeper } of houses) await sweeper.sweep();
    };
    await sweepAll();
    expect(await states()).toEqual([]);
    clock = Date.parse('2026-03-01T00:05:01Z');
    await sweepAll();
    await sweepAll();
    expect(await states()).toHaveLength(1);
    clock = Date.parse('2026-03-01T03:00:01Z');
    await sweepAll();
    expect(await states()).toHaveLength(2);
    for (const { worker } of houses) worker.start();
    await ended(2);
    clock += 2 * 86_400_000;
    const old = await new JobDesk(storage).list({ limit: 10 });
    for (let i = 0; i < 3; i++) await sweepAll();
    const left = await new JobDesk(storage).list({ limit: 10 });
    expect(old).toHaveLength(2);
    expect(left.filter(({ id }) => old.some((one) => one.id === id))).toEqual([]);
  });

  it('refuses an input that does not fit the kind', async () => {
    const { queue } = await house([]);
    const kind = { name: 'typed', input: Input };
    expect(() => queue.enqueue(kind, { n: 'x' } as never)).toThrow('typed');
    expect(() => queue.enqueue({ name: 'big', input: Type.String() }, 'x'.repeat(2e6))).toThrow('1000000 are the most');
  });
});
