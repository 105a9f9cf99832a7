/**
 * `npm run bench:sessions`: the sessions app and a Python service with `hdbscan` (`sessions` among the rivals), in turn on
 * the same events: 100 callers that ask for seven days of one person, all the same, which Vitrina clusters once; and then
 * questions that nobody asked before, each about three quarters of the events, and each clustered anew.
 * The rival as its folder starts it, with one process, and with two. Prints every round, the medians and the ratios.
 *
 * How many sessions each finds is printed, not compared: times are whole milliseconds, so that many distances are equal,
 * and there the answer of the Python package depends on the algorithm that it chooses. Where it does not, the fixtures of
 * `test/learn/hdbscan` hold both to the same.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { prepareUsage, quantile, questionFor, usageOf, watchHealth } from '../src/cli/bench-sessions.js';
import { freePort } from '../test/free-port.js';
import { vitrina } from './linear-model.js';
import { findPeers } from './peers/folder.js';
import { startRig } from './process.js';
import { median, rateOf, runRawLoad } from './run-raw-load.js';

const counts = (process.env.BENCH_EVENTS ?? '361,4918').split(',').map(Number);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const connections = 100;
/** Of a turn, and before it. The rival takes some seconds for a hundred answers. */
const seconds = { ours: 5, rival: 20, warm: 3 };

interface Target {
  readonly url: string;
  /** The path that tells whether it is well. */
  readonly health: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Figures {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly healthP99: number;
  readonly sessions: number;
  /** Answers a second where no question comes twice. */
  readonly newRate: number;
}

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
const sides: Record<string, { readonly seconds: number; start(): Promise<Target & { stop(): Promise<void> }> }> = {
  vitrina: {
    seconds: seconds.ours,
    async start() {
      const rig = await startRig(
        [...vitrina, 'serve', '--only', 'sessions', '--port', '0', '--data', data],
        async (url) => fetch(`${url}/livez`).then(({ ok }) => ok),
      );
      return { url: rig.url, health: '/livez', headers: { 'x-api-key': key }, stop: () => rig.stop() };
    },
  },
  'python, 1 process': { seconds: seconds.rival, start: () => startRival(1) },
  'python, 2 processes': { seconds: seconds.rival, start: () => startRival(2) },
};

/**
 * Each from another first to another last event, of which a quarter of all is left out on average, in an order without a
 * pattern. Their answers are more than Vitrina keeps of a person, so that none is found when its turn comes again.
 */
function newQuestions(count: number): string[] {
  const times = [...new Set(usageOf(count).map(({ timestamp }) => timestamp))];
  const quarter = Math.floor(times.length / 4);
  const all = quarter * quarter;
  return Array.from({ length: Math.min(all, 20_000) }, (_, i) => {
    const pair = (i * 1_000_003) % all;
    const last = times.length - 1 - (pair % quarter);
    return questionFor(count, times[Math.floor(pair / quarter)], times[last]);
  });
}

/** Errors: an answer other than 200. */
async function measure(target: Target, count: number, during: number): Promise<Figures> {
  const url = `${target.url}/get_ecrans/`;
  const headers = { ...target.headers, 'content-type': 'application/json' };
  const body = questionFor(count);
  const first = await fetch(url, { method: 'POST', headers, body });
  const answer = (await first.json()) as { sessions: unknown[] } | unknown[];
  // A caller gives up on no answer here: where all ask at once, the last waits for all others.
  const load = { headers, connections, patienceMs: 120_000 };
  await runRawLoad(url, body, { ...load, seconds: seconds.warm });
  const health = watchHealth(`${target.url}${target.health}`);
  const figures = await runRawLoad(url, body, { ...load, seconds: during });
  const times = await health();
  const others = await runRawLoad(url, newQuestions(count), { ...load, seconds: during });
  const bad = [figures, others].flatMap(({ answers }) => answers).filter(({ status }) => status !== 200);
  if (first.status !== 200 || bad.length > 0)
    throw new Error(`${url} answered ${first.status}, ${JSON.stringify(bad)}`);
  const { p50, p99 } = figures.answers[0]!;
  const sessions = (Array.isArray(answer) ? answer : answer.sessions).length;
  return { rate: rateOf(figures), p50, p99, healthP99: quantile(times, 0.99), sessions, newRate: rateOf(others) };
}

say(`${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores, Node ${process.version}`);
const figures = new Map<string, Figures[]>();
for (let round = 0; round < rounds; round++) {
  for (const [name, side] of Object.entries(sides)) {
    const target = await side.start();
    try {
      for (const count of counts) {
        const one = await measure(target, count, side.seconds);
        figures.set(`${name}/${count}`, [...(figures.get(`${name}/${count}`) ?? []), one]);
        const { rate, p50, p99, healthP99, sessions, newRate } = one;
        say(
          `${name.padEnd(20)} ${count} events: ${rate.toFixed(1)} req/s, p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)} ms, health p99 ${healthP99.toFixed(0)} ms, ${sessions} sessions; new questions: ${newRate.toFixed(1)} req/s`,
        );
      }
    } finally {
      await target.stop();
    }
  }
}
for (const count of counts) {
  const of = (name: string, figure: (one: Figures) => number) => median(figures.get(`${name}/${count}`)!.map(figure));
  for (const [what, figure] of [
    ['one question', ({ rate }: Figures) => rate],
    ['new questions', ({ newRate }: Figures) => newRate],
  ] as const) {
    const own = of('vitrina', figure);
    const ratios = ['python, 1 process', 'python, 2 processes'].map(
      (name) => `${(own / of(name, figure)).toFixed(1)} × ${name}`,
    );
    say(`${count} events, ${what}, medians of ${rounds}: ${own.toFixed(0)} req/s, ${ratios.join(', ')}`);
  }
  say(`${count} events: /livez p99 ${of('vitrina', ({ healthP99 }) => healthP99).toFixed(0)} ms`);
}
rmSync(folder, { recursive: true, force: true });
