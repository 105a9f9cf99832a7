/**
 * `npm run bench:jobs`: empty jobs a second, from asking for them to their end, on SQLite; on PostgreSQL beside pg-boss;
 * and with RabbitMQ beside amqplib alone, which publishes persistent messages with confirms and consumes them. In turn,
 * in one process each; prints every round and the medians.
 *
 * `VITRINA_TEST_DATABASE_URL` and `VITRINA_TEST_AMQP_URL` name the servers (`scripts/services run npm run bench:jobs`).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import pg from 'pg';
import PgBoss from 'pg-boss';
import { Type } from 'typebox';
import { defineJob } from '../src/services/jobs/index.js';
import { openRabbitBroker } from '../src/services/jobs/rabbit/index.js';
import { type Broker, Workshop } from '../src/services/jobs/workshop.js';
import { type DatabaseOptions, openDatabase, openMigrations } from '../src/storage/index.js';
import { median } from './run-raw-load.js';

const count = Number(process.env.BENCH_JOBS ?? 10_000);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
/** Jobs that run at a time, rows that pg-boss takes at a time, messages that amqplib may hold. */
const atOnce = Number(process.env.BENCH_CONCURRENCY ?? 100);
/** Callers that ask for jobs at a time. */
const callers = Number(process.env.BENCH_CALLERS ?? 100);
const databaseUrl = process.env.VITRINA_TEST_DATABASE_URL;
const amqpUrl = process.env.VITRINA_TEST_AMQP_URL;

const say = (text: string) => process.stdout.write(`${text}\n`);
const log = {
  warn: (fields: object, text: string) => say(`${text} ${JSON.stringify(fields)}`),
  error: () => undefined,
};

/** `ask` for all, by so many callers, and wait until `done` says so; jobs a second. */
async function timed(ask: (n: number) => Promise<unknown>, done: () => boolean): Promise<number> {
  const began = performance.now();
  let next = 0;
  const caller = async () => {
    while (next < count) await ask(next++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  while (!done()) await sleep(1);
  return (count / (performance.now() - began)) * 1000;
}

async function ours(options: DatabaseOptions, broker?: Broker): Promise<number> {
  const storage = await openDatabase(options);
  let ran = 0;
  const kind = defineJob({ name: 'empty', input: Type.Object({ n: Type.Integer() }), run: async () => void ran++ });
  const workshop = new Workshop({
    storage,
    definitions: [kind],
    concurrency: atOnce,
    leaseMs: 30_000,
    keepDays: 1,
    log,
    ...(broker === undefined ? {} : { broker }),
  });
  await workshop.start();
  const rate = await timed(
    (n) => workshop.queue.enqueue(kind, { n }),
    () => ran >= count,
  );
  await workshop.stop(5_000);
  const { ended } = await storage.db
    .selectFrom('jobs')
    .select((one) => one.fn.countAll<number | string>().as('ended'))
    .where('state', '=', 'succeeded')
    .executeTakeFirstOrThrow();
  if (Number(ended) !== count) throw new Error(`${ended} of ${count} jobs ended`);
  await storage.close();
  return rate;
}

async function onSqlite(broker?: () => Broker): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'vitrina-bench-'));
  try {
    return await ours({ path: join(folder, 'vitrina.db') }, broker?.());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A database of its own on the server. */
async function withDatabase<T>(act: (url: string) => Promise<T>): Promise<T> {
  const name = `vitrina_bench_${process.pid}_${Date.now()}`;
  const admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  await admin.query(`create database ${name}`);
  const url = new URL(databaseUrl!);
  url.pathname = `/${name}`;
  try {
    return await act(url.href);
  } finally {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  }
}

const onPostgres = (broker?: () => Broker) =>
  withDatabase(async (url) => {
    const migrations = await openMigrations({ url });
    await migrations.up();
    await migrations.close();
    return ours({ url }, broker?.());
  });

/** pg-boss as fast as it goes: callers insert one job each as ours do, a loop fetches and completes many at a time. */
const onPgBoss = () =>
  withDatabase(async (url) => {
    const boss = new PgBoss({ connectionString: url, max: 10 });
    boss.on('error', (error) => say(String(error)));
    await boss.start();
    await boss.createQueue('empty');
    let ran = 0;
    let open = true;
    const work = async () => {
      while (open) {
        const jobs = await boss.fetch('empty', { batchSize: atOnce });
        if (jobs.length === 0) {
          await sleep(1);
          continue;
        }
        await boss.complete(
          'empty',
          jobs.map(({ id }) => id),
        );
        ran += jobs.length;
      }
    };
    const working = work();
    const rate = await timed(
      (n) => boss.send('empty', { n }),
      () => ran >= count,
    );
    open = false;
    await working;
    await boss.stop({ graceful: false });
    return rate;
  });

/** Persistent messages, each confirmed before its caller sends the next, consumed and acknowledged in the same process. */
async function onAmqplib(kind: 'quorum' | 'classic'): Promise<number> {
  const connection = await connect(amqpUrl!);
  const queue = `bench.${kind}.${Date.now()}`;
  const out = await connection.createConfirmChannel();
  const into = await connection.createChannel();
  await into.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': kind } });
  await into.prefetch(atOnce * 2);
  let ran = 0;
  await into.consume(queue, (message) => {
    if (message === null) return;
    ran++;
    into.ack(message);
  });
  const rate = await timed(
    (n) =>
      new Promise<void>((resolve, reject) => {
        const done = (error: unknown) => (error ? reject(error as Error) : resolve());
        out.sendToQueue(
          queue,
          Buffer.from(`019a8c1e-5f00-7000-8000-${String(n).padStart(12, '0')}`),
          { persistent: true },
          done,
        );
      }),
    () => ran >= count,
  );
  await into.deleteQueue(queue);
  await connection.close();
  return rate;
}

const broker = (kind: 'quorum' | 'classic') =>
  openRabbitBroker({ url: amqpUrl!, kind, queue: `bench.${kind}.${Date.now()}`, log: { warn: say } });

const sides: Record<string, () => Promise<number>> = { SQLite: () => onSqlite() };
if (databaseUrl !== undefined) Object.assign(sides, { PostgreSQL: () => onPostgres(), 'pg-boss': onPgBoss });
if (databaseUrl !== undefined && amqpUrl !== undefined) {
  Object.assign(sides, {
    'SQLite and RabbitMQ (classic)': () => onSqlite(() => broker('classic')),
    'PostgreSQL and RabbitMQ (classic)': () => onPostgres(() => broker('classic')),
    'amqplib alone (classic)': () => onAmqplib('classic'),
    'SQLite and RabbitMQ (quorum)': () => onSqlite(() => broker('quorum')),
    'PostgreSQL and RabbitMQ (quorum)': () => onPostgres(() => broker('quorum')),
    'amqplib alone (quorum)': () => onAmqplib('quorum'),
  });
}
const rates = new Map<string, number[]>();
say(`${count} empty jobs, ${callers} callers, ${atOnce} at a time`);
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(sides)) {
    const rate = await run();
    rates.set(name, [...(rates.get(name) ?? []), rate]);
    say(`${name.padEnd(36)} ${Math.round(rate)} jobs/s`);
  }
}
const of = (name: string) => median(rates.get(name) ?? [Number.NaN]);
for (const name of rates.keys()) say(`median ${name.padEnd(36)} ${Math.round(of(name))} jobs/s`);
if (rates.has('pg-boss')) say(`PostgreSQL: ${(of('PostgreSQL') / of('pg-boss')).toFixed(2)} × pg-boss`);
for (const kind of ['classic', 'quorum']) {
  const alone = `amqplib alone (${kind})`;
  if (!rates.has(alone)) continue;
  for (const database of ['SQLite', 'PostgreSQL']) {
    say(
      `${database} and RabbitMQ (${kind}): ${(of(`${database} and RabbitMQ (${kind})`) / of(alone)).toFixed(2)} × amqplib alone`,
    );
  }
}
process.exit(0);
