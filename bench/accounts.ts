/**
 * `npm run bench:accounts`: a prediction with a key that is limited to so many rows a month, or to so many requests within
 * a time, beside one with a key without limits: requests per second of one process, on SQLite and on PostgreSQL, in turn.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { PostgresServer } from '../test/postgres-server.js';
import { makeLinearModel, vitrina } from './linear-model.js';
import { startRig } from './process.js';
import { median, rateOf, runRawLoad } from './run-raw-load.js';

const seconds = Number(process.env.BENCH_SECONDS ?? 4);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const connections = Number(process.env.BENCH_CONNECTIONS ?? 16);
const many = '2000000000';
const keys = { unlimited: [], monthly: ['--monthly', many], rate: ['--rate', `${many}/m`] } as const;
type Kind = keyof typeof keys;

const say = (text: string) => process.stdout.write(`${text}\n`);
const linear = makeLinearModel();
const postgres = await PostgresServer.create();

async function measure(database: string, env: Record<string, string>): Promise<void> {
  const command = (words: readonly string[]) =>
    execFileSync(vitrina[0], [vitrina[1], ...words], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  if (env.VITRINA_DATABASE_URL !== undefined) command(['migrate', 'up']);
  const make = (limits: readonly string[]) =>
    command(['keys', 'create', '--scope', 'predict', ...limits, '--data', linear.data]).match(/vtr_[\w-]+/)![0];
  const kinds = Object.keys(keys) as Kind[];
  const headers = new Map(kinds.map((kind) => [kind, { ...linear.headers, 'x-api-key': make(keys[kind]) }]));
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const serve = [...vitrina, 'serve', linear.model, '--port', '0', '--data', linear.data, '--log-level', 'error'];
  const rig = await startRig(['env', ...settings, ...serve], async (url) => {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  });
  try {
    const load = async (kind: Kind, during: number) => {
      const options = { connections, seconds: during, headers: headers.get(kind)! };
      const figures = await runRawLoad(`${rig.url}${linear.path}`, linear.body, options);
      if (figures.answers.some(({ status }) => status !== 200)) throw new Error(JSON.stringify(figures.answers));
      return { rate: rateOf(figures), p50: figures.answers[0]!.p50, p99: figures.answers[0]!.p99 };
    };
    for (const kind of kinds) await load(kind, 1);
    const found = new Map<Kind, Awaited<ReturnType<typeof load>>[]>(kinds.map((kind) => [kind, []]));
    for (let round = 0; round < rounds; round++)
      for (const kind of kinds) found.get(kind)!.push(await load(kind, seconds));
    for (const [kind, list] of found) {
      const [rate, p50, p99] = (['rate', 'p50', 'p99'] as const).map((name) => median(list.map((one) => one[name])));
      say(
        `${database.padEnd(12)}${kind.padEnd(12)}${rate!.toFixed(0).padStart(8)} req/s  p50 ${p50!.toFixed(2)} ms  p99 ${p99!.toFixed(2)} ms`,
      );
    }
  } finally {
    await rig.stop();
  }
}

try {
  say(
    `${cpus()[0]!.model}, ${availableParallelism()} cores, Node ${process.version}, ${connections} connections, ${seconds} s a slice, medians of ${rounds}; PostgreSQL does not sync`,
  );
  await measure('SQLite', {});
  await measure('PostgreSQL', { VITRINA_DATABASE_URL: postgres.url() });
} finally {
  await postgres.stop();
  linear.remove();
}
