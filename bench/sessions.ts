/**
 * `npm run bench:sessions`: the sessions app and a Python service with `hdbscan` (`sessions` among the rivals), in turn on
 * the same events, 100 requests at once for seven days of one person. The rival with one and with two processes; the
 * better counts. Prints every round, the medians and the ratio.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { measureCount, prepareUsage, type SessionFigures, type Target, usageOf } from '../src/cli/bench-sessions.js';
import { freePort } from '../test/free-port.js';
import { vitrina } from './linear-model.js';
import { findPeers } from './peers/folder.js';
import { startRig } from './process.js';
import { median } from './run-raw-load.js';

const counts = (process.env.BENCH_EVENTS ?? '361,4918').split(',').map(Number);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const concurrent = 100;
/** Requests of a turn, in hundreds: the rival is asked less, since it takes so long. */
const hundreds = { ours: 10, rival: 1 };

const say = (text: string) => process.stdout.write(`${text}\n`);
const folder = mkdtempSync(join(tmpdir(), 'vitrina-bench-'));

/** Starts the rival on the same events. */
async function startRival(processes: number): Promise<Target & { stop(): Promise<void> }> {
  const peers = findPeers();
  const own = join(peers, 'sessions');
  if (!existsSync(join(own, 'venv'))) {
    say(`Installing the rival in ${own}`);
    const { status } = spawnSync(join(peers, 'install.sh'), ['sessions'], { stdio: 'inherit' });
    if (status !== 0) throw new Error(`${peers}/install.sh sessions ended with ${status}`);
  }
  const port = await freePort();
  const words = ['-m', 'uvicorn', 'main:app', '--host', '127.0.0.1', '--port', String(port)];
  const env = { ...process.env, MODELS: folder, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
  const more = ['--workers', String(processes), '--no-access-log', '--log-level', 'warning'];
  const child = spawn(join(own, 'venv/bin/python'), [...words, ...more], {
    cwd: own,
    env,
    stdio: 'inherit',
    detached: true,
  });
  const url = `http://127.0.0.1:${port}`;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const deadline = Date.now() + 60_000;
  while ((await fetch(`${url}/health`).catch(() => undefined))?.status !== 200) {
    if (Date.now() > deadline) throw new Error('The rival does not start');
    await sleep(100);
  }
  return {
    url,
    health: '/health',
    headers: {},
    async stop() {
      process.kill(-child.pid!, 'SIGTERM');
      await ended;
    },
  };
}

/** The events as the rival reads them: `events(ts, util, instance)`. */
function writeForRival(): void {
  const file = new Database(join(folder, 'events.sqlite'));
  file.exec('create table events (ts integer, util text, instance text)');
  const insert = file.prepare('insert into events values (?, ?, ?)');
  file.transaction(() => {
    for (const count of counts) {
      for (const { timestamp, instance } of usageOf(count)) insert.run(timestamp, `util-${count}`, instance);
    }
  })();
  file.close();
}

writeForRival();
const data = join(folder, 'data');
mkdirSync(data);
const key = await prepareUsage(data, counts);
const sides: Record<string, { readonly hundreds: number; start(): Promise<Target & { stop(): Promise<void> }> }> = {
  vitrina: {
    hundreds: hundreds.ours,
    async start() {
      const rig = await startRig(
        [...vitrina, 'serve', '--only', 'sessions', '--port', '0', '--data', data],
        async (url) => fetch(`${url}/livez`).then(({ ok }) => ok),
      );
      return { url: rig.url, health: '/livez', headers: { 'x-api-key': key }, stop: () => rig.stop() };
    },
  },
  'python, 1 process': { hundreds: hundreds.rival, start: () => startRival(1) },
  'python, 2 processes': { hundreds: hundreds.rival, start: () => startRival(2) },
};

say(`${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores, Node ${process.version}`);
const figures = new Map<string, SessionFigures[]>();
for (let round = 0; round < rounds; round++) {
  for (const [name, side] of Object.entries(sides)) {
    const target = await side.start();
    try {
      for (const count of counts) {
        const one = await measureCount(target, count, concurrent, side.hundreds);
        figures.set(`${name}/${count}`, [...(figures.get(`${name}/${count}`) ?? []), one]);
        const { requestsPerSecond, p50Ms, p99Ms, livezP99Ms, sessions } = one;
        say(
          `${name.padEnd(20)} ${count} events: ${requestsPerSecond.toFixed(1)} req/s, p50 ${p50Ms.toFixed(0)}, p99 ${p99Ms.toFixed(0)} ms, health p99 ${livezP99Ms.toFixed(0)} ms, ${sessions} sessions`,
        );
      }
    } finally {
      await target.stop();
    }
  }
}
for (const count of counts) {
  const of = (name: string, figure: (one: SessionFigures) => number) =>
    median(figures.get(`${name}/${count}`)!.map(figure));
  const found = new Set(
    Object.keys(sides).flatMap((name) => figures.get(`${name}/${count}`)!.map(({ sessions }) => sessions)),
  );
  if (found.size !== 1)
    throw new Error(`The sides found different sessions for ${count} events: ${[...found].join(', ')}`);
  const rival = Math.max(
    ...['python, 1 process', 'python, 2 processes'].map((name) => of(name, (one) => one.requestsPerSecond)),
  );
  const own = of('vitrina', (one) => one.requestsPerSecond);
  say(
    `${count} events, medians of ${rounds}: ${own.toFixed(0)} req/s, ${(own / rival).toFixed(1)} × the Python service; /livez p99 ${of('vitrina', (one) => one.livezP99Ms).toFixed(0)} ms`,
  );
}
rmSync(folder, { recursive: true, force: true });
