/**
 * Open-loop load: requests come when they are due, as independent callers send them, whether or not earlier ones have
 * been answered. The time of each counts from when it was due, so that a server that stalls pays for all who wait
 * ("coordinated omission" is what a closed loop hides).
 */
import { Worker } from 'node:worker_threads';
import { Pool } from 'undici';

export interface OpenLoad {
  readonly url: string;
  readonly body: Buffer;
  readonly authorization: string | undefined;
  readonly ratePerSecond: number;
  readonly seconds: number;
}

export interface OpenFigures {
  readonly requests: number;
  /** Milliseconds from when a request was due to its answer. */
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
  /** Milliseconds by which requests were sent late at most, but for one in a hundred: the generator's own share. */
  readonly lag99: number;
  /** Cores that the load generator used. */
  readonly loadCores: number;
}

const connections = 64;
/** What is not answered so long after the last request was due has failed. */
const patienceMs = 30_000;
const now = () => Number(process.hrtime.bigint()) / 1e6;

export async function runOpenLoop(load: OpenLoad): Promise<OpenFigures> {
  const { ratePerSecond, seconds } = load;
  const { origin, pathname } = new URL(load.url);
  // Idle connections are closed by us, before a server does so while a request is on its way.
  const pool = new Pool(origin, { connections, pipelining: 1, keepAliveTimeout: 1000, keepAliveMaxTimeout: 1000 });
  const { body, authorization } = load;
  const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) };
  const ask = async (): Promise<boolean> => {
    const answer = await pool.request({ method: 'POST', path: pathname, headers, body });
    await answer.body.dump();
    return answer.statusCode === 200;
  };
  // The connections are opened before the clock runs.
  await Promise.all(Array.from({ length: 16 }, () => ask().catch(() => false)));

  const due = schedule(now() + 50, ratePerSecond, seconds);
  const times = new Float64Array(due.length).fill(patienceMs);
  const lags = new Float64Array(due.length);
  let failed = 0;
  let sent = 0;
  const answered: Promise<void>[] = [];
  const send = (i: number) => {
    lags[i] = now() - due[i]!;
    return ask()
      .catch(() => false)
      .then((right) => {
        times[i] = now() - due[i]!;
        if (!right) failed++;
      });
  };
  const before = process.cpuUsage();
  const pacer = new Worker(new URL('pacer.js', import.meta.url), { workerData: { due } });
  try {
    await new Promise<void>((resolve, reject) => {
      pacer.on('message', (next: number) => {
        while (sent < next) answered.push(send(sent++));
        if (sent === due.length) resolve();
      });
      pacer.once('error', reject);
    });
    const giveUp = setTimeout(() => void pool.destroy(), patienceMs);
    await Promise.all(answered);
    clearTimeout(giveUp);
  } finally {
    await pacer.terminate();
    await pool.destroy();
  }
  const { user, system } = process.cpuUsage(before);
  const [p50, p99] = percentiles(times);
  const elapsed = Math.max(seconds * 1000, now() - due[0]!);
  return {
    requests: due.length,
    p50,
    p99,
    failed,
    lag99: percentiles(lags)[1],
    loadCores: (user + system) / 1e3 / elapsed,
  };
}

/** Arrivals of independent callers: gaps are exponential, and the same for everybody who is asked at this rate. */
function schedule(from: number, ratePerSecond: number, seconds: number): Float64Array {
  const due = new Float64Array(Math.max(1, Math.round(ratePerSecond * seconds)));
  let state = 0x9e3779b9;
  let at = from;
  for (let i = 0; i < due.length; i++) {
    // A linear congruential generator (Numerical Recipes); 0 < u < 1.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    at -= (1000 / ratePerSecond) * Math.log((state + 0.5) / 2 ** 32);
    due[i] = at;
  }
  return due;
}

function percentiles(values: Float64Array): [p50: number, p99: number] {
  const sorted = values.slice().sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return [at(0.5), at(0.99)];
}
