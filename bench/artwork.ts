/**
 * `npm run bench:artwork`: how long a caller waits for `POST /receiver_no_training/` while packages of large images keep
 * all that does jobs busy: 8 `vitrina work` processes, or the worker inside the server with 8 packages at a time. On
 * SQLite and PostgreSQL, in turn; before each, the same in peace. The target is a p99 below 50 ms.
 *
 * Three figures for each: what the caller measures, what the server says of itself (`X-Process-Time`), and by how much
 * this process came too late to post at all. Where the last is large, the machine has others to serve, and the first
 * says little.
 */
import { availableParallelism, cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { ArtworkHouse, type Engine, postPackage, token, until } from '../test/e2e/artwork-house.js';
import { openEar } from '../test/e2e/artwork-world.js';
import { PostgresServer } from '../test/postgres-server.js';

const seconds = Number(process.env.BENCH_SECONDS ?? 20);
/** Packages that are posted in a second while it is measured. */
const rate = Number(process.env.BENCH_RATE ?? 25);
const workers = Number(process.env.BENCH_WORKERS ?? 8);
const engines = (process.env.BENCH_ENGINES ?? 'SQLite,PostgreSQL').split(',');
/** Packages that wait from the start, of so many images each. */
const backlog = Number(process.env.BENCH_BACKLOG ?? 200);
const imagesEach = 10;
const size = { width: 4000, height: 3000 };
const targetMs = 50;

const say = (text: string) => process.stdout.write(`${text}\n`);

/** Serves the image under every path, from a thread of its own: what it does must not be measured. */
async function serveImage(): Promise<{ readonly url: string; readonly bytes: number; close(): Promise<unknown> }> {
  const noise = { type: 'gaussian', mean: 128, sigma: 20 } as const;
  const image = await sharp({ create: { ...size, channels: 3, background: 'grey', noise } })
    .jpeg()
    .toBuffer();
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const server = require('node:http').createServer((_request, response) => response.end(workerData));
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const thread = new Worker(code, { eval: true, workerData: image });
  const port = await new Promise<number>((resolve) => thread.once('message', resolve));
  return { url: `http://127.0.0.1:${port}`, bytes: image.length, close: () => thread.terminate() };
}

let posted = 0;
const packageOf = (origin: string, count: number) => {
  const n = posted++;
  const arts_path = Array.from({ length: count }, (_, i) => `${origin}/${n}-${i}.jpg`);
  return { ntd_transaction_id: `package ${n}`, arts_path };
};

/** Milliseconds of each post, from the shortest. */
interface Times {
  readonly caller: number[];
  readonly server: number[];
  readonly late: number[];
}

/** Posts at the rate, whatever becomes of those before. */
async function measure(url: string, origin: string): Promise<Times> {
  const times: Times = { caller: [], server: [], late: [] };
  const post = async () => {
    const body = JSON.stringify(packageOf(origin, 1));
    const headers = { authorization: token, 'content-type': 'application/json' };
    const from = performance.now();
    const answer = await fetch(`${url}/receiver_no_training/`, { method: 'POST', headers, body });
    const said = await answer.text();
    times.caller.push(performance.now() - from);
    if (answer.status !== 200) throw new Error(`${answer.status} ${said}`);
    times.server.push(Number(answer.headers.get('x-process-time')) * 1_000);
  };
  const open: Promise<void>[] = [];
  const began = performance.now();
  for (let n = 0; n < rate * seconds; n++) {
    const due = began + (n * 1_000) / rate;
    await sleep(Math.max(0, due - performance.now()));
    times.late.push(performance.now() - due);
    open.push(post());
  }
  await Promise.all(open);
  for (const list of Object.values(times)) list.sort((a: number, b: number) => a - b);
  return times;
}

function figures({ caller, server, late }: Times): string {
  const at = (times: readonly number[], share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(1);
  const three = (times: readonly number[]) => `${at(times, 0.5)} / ${at(times, 0.99)} / ${at(times, 1)}`;
  const verdict = Number(at(caller, 0.99)) < targetMs ? 'within' : 'over';
  return `caller ${three(caller)}, server ${three(server)}, too late ${three(late)} ms; p99 ${verdict} the target`;
}

const running = (house: ArtworkHouse) =>
  house.look(
    async ({ db }) => (await db.selectFrom('jobs').select('id').where('state', '=', 'running').execute()).length,
  );

const origin = await serveImage();
const ear = await openEar();
const postgres = await PostgresServer.create();
say(
  `${cpus()[0]!.model}, ${availableParallelism()} cores, Node ${process.version}; ${rate} packages a second for ${seconds} s, images of ${size.width} × ${size.height} (${(origin.bytes / 1e6).toFixed(1)} MB); p50 / p99 / worst`,
);
try {
  for (const engine of ['SQLite', 'PostgreSQL'] satisfies Engine[]) {
    if (!engines.includes(engine)) continue;
    for (const embedded of [false, true]) {
      const env = { VITRINA_JOB_CONCURRENCY: embedded ? String(workers) : '0', VITRINA_STOP_TIMEOUT: '1' };
      const house = await ArtworkHouse.open({ engine, backends: { postgres }, ear, env });
      try {
        const { url } = await house.startServer();
        await measure(url, origin.url);
        const peace = embedded ? undefined : figures(await measure(url, origin.url));
        if (!embedded) for (let n = 0; n < workers; n++) await house.startWorker();
        for (let n = 0; n < backlog; n++) await postPackage(url, packageOf(origin.url, imagesEach));
        await until(async () => (await running(house)) >= workers, 60);
        const times = figures(await measure(url, origin.url));
        if (peace !== undefined) say(`${engine}, nobody doing jobs: ${peace}`);
        say(`${engine}, ${embedded ? `${workers} at a time in the server` : `${workers} workers`}: ${times}`);
      } finally {
        await house.close();
      }
    }
  }
} finally {
  await Promise.all([origin.close(), ear.close(), postgres.stop()]);
}
