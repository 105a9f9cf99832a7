/** Workers whose database answers late, not at all, or after having done what was asked. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineJob, type JobDefinition } from '../../../src/services/jobs/job.js';
import { JobQueue } from '../../../src/services/jobs/job-queue.js';
import { JobSweeper } from '../../../src/services/jobs/job-sweeper.js';
import { type JobLog, JobWorker } from '../../../src/services/jobs/job-worker.js';
import type { Storage } from '../../../src/storage/index.js';
import { databases, type TestDatabase } from '../../databases.js';

const Input = Type.Object({ n: Type.Integer() });
const silent = { warn: () => undefined, error: () => undefined };
const leaseMs = 600;
let database: TestDatabase;
let storage: Storage;
let queue: JobQueue;
const stops: (() => Promise<void>)[] = [];

const workerOf = (definitions: readonly JobDefinition[], more: { storage?: Storage; log?: JobLog } = {}) => {
  const worker = new JobWorker({ storage, definitions, concurrency: 4, leaseMs, pollMs: 50, log: silent, ...more });
  stops.push(() => worker.stop(0));
  return worker;
};
const find = (id: string) => storage.db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const until = async (what: () => Promise<boolean> | boolean) => {
  for (const end = Date.now() + 15_000; !(await what()); await sleep(15)) {
    if (Date.now() > end) throw new Error('It did not come to pass within 15 s');
  }
};
/** A job that ends with its signal only. */
const untilStopped = (signals: AbortSignal[]) =>
  defineJob({
    name: 'long',
    input: Input,
    run: ({ signal }) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  });

describe.each(databases)('on $kind', ({ kind: databaseKind, fresh }) => {
  beforeEach(async () => {
    database = await fresh();
    storage = await database.open();
    queue = new JobQueue({ storage, keepDays: 7, wake: () => undefined });
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    await database.remove();
  });

  it('a claim whose answer was lost does not hold its job for ever', async () => {
    const signals: AbortSignal[] = [];
    const long = untilStopped(signals);
    const short = defineJob({ name: 'short', input: Input, run: async () => 'done' });
    const worker = workerOf([long, short]);
    const sweeper = new JobSweeper({
      storage,
      queue,
      definitions: [long, short],
      wake: () => worker.wake(),
      announcing: false,
      log: silent,
      everyMs: 40,
    });
    stops.unshift(() => sweeper.stop());
    const { id } = await queue.enqueue(short, { n: 1 });
    // As when the connection breaks between the commit and its answer.
    await storage.db
      .updateTable('jobs')
      .set({ state: 'running', worker: worker.id, lease_until: Date.now() + leaseMs, attempts: 1 })
      .execute();
    await queue.enqueue(long, { n: 1 });
    worker.start();
    sweeper.start();
    await until(() => signals.length === 1);
    await until(async () => (await find(id)).state === 'succeeded');
    expect((await find(id)).attempts).toBe(2);
    expect(signals[0]!.aborted).toBe(false);
  });

  it('an attempt of its own that has lost its lease is given up when the next one begins', async () => {
    const signals: AbortSignal[] = [];
    const worker = workerOf([untilStopped(signals)]);
    const { id } = await queue.enqueue(untilStopped([]), { n: 1 });
    worker.start();
    await until(() => signals.length === 1);
    await storage.db.updateTable('jobs').set({ state: 'queued', worker: null, lease_until: null }).execute();
    await until(() => signals.length === 2);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect([worker.busy, (await find(id)).attempts]).toEqual([1, 2]);
  });

  it('offers beyond what can wait are let go, and found in the database all the same', async () => {
    const ended: number[] = [];
    const quick = {
      name: 'quick',
      input: Input,
      run: async ({ input }: { input: { n: number } }) => void ended.push(input.n),
    };
    const worker = workerOf([defineJob(quick)]);
    const jobs = await Promise.all(Array.from({ length: 200 }, (_, n) => queue.enqueue(quick, { n })));
    const settled: string[] = [];
    worker.start();
    worker.offer(jobs.map(({ id }) => ({ id, done: () => void settled.push(id) })));
    await until(() => ended.length === 200);
    expect([new Set(ended).size, new Set(settled).size, settled.length]).toEqual([200, 200, 200]);
  });

  it('offers of a broker are not tried in a circle while the database is away', async () => {
    const away = await database.open();
    await away.close();
    const warnings: string[] = [];
    const log = { warn: (_fields: object, text: string) => void warnings.push(text), error: () => undefined };
    const worker = workerOf([untilStopped([])], { storage: away, log });
    const settled: string[] = [];
    const id = '019a8c1e-5f00-7000-8000-000000000000';
    worker.start();
    worker.offer([{ id, done: () => void settled.push(id) }]);
    await sleep(1_000);
    expect(warnings.length).toBeGreaterThan(1);
    expect(warnings.length).toBeLessThan(12);
    expect(settled).toEqual([]);
  });

  it.runIf(databaseKind === 'postgres')(
    'many that ask for the same keys in other orders wait for nobody in a circle',
    async () => {
      const others = new JobQueue({ storage: await database.open(), keepDays: 7, wake: () => undefined });
      const kind = { name: 'same', input: Input };
      const keys = Array.from({ length: 400 }, (_, i) => `key ${i}`);
      for (let round = 0; round < 10; round++) {
        const ask = (asked: JobQueue, list: readonly string[]) =>
          Promise.all(list.map((key, n) => asked.enqueue(kind, { n }, { idempotencyKey: `${round} ${key}` })));
        const [some, rest] = await Promise.all([ask(queue, keys), ask(others, keys.toReversed())]);
        expect(rest.toReversed().map(({ id }) => id)).toEqual(some.map(({ id }) => id));
      }
    },
  );
});
