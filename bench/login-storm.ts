/**
 * `npm run bench:login-storm`: predictions with a key in peace, and while strangers try passwords, in turn on one server.
 * Once each login comes from an address of its own for a user of its own, so that no throttle spares the hashing, and
 * once all come from one address. Prints every phase, and the medians of what the storm made of p50 and p99.
 */
import { availableParallelism, cpus } from 'node:os';
import { makeLinearModel, vitrina } from './linear-model.js';
import { startRig } from './process.js';
import { type LoadFigures, median, rateOf, runRawLoad } from './run-raw-load.js';

const seconds = Number(process.env.BENCH_SECONDS ?? 10);
const stormSeconds = Number(process.env.BENCH_STORM_SECONDS ?? 30);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const connections = Number(process.env.BENCH_CONNECTIONS ?? 16);
const logins = Number(process.env.BENCH_LOGINS ?? 50);
/** Requests a second; 0: as many as are answered. */
const rate = Number(process.env.BENCH_RATE ?? 0);

const say = (text: string) => process.stdout.write(`${text}\n`);
const linear = makeLinearModel();
const command = [...vitrina, 'serve', linear.model, '--port', '0', '--data', linear.data, '--log-level', 'error'];
const rig = await startRig(['env', 'VITRINA_TRUST_PROXY=127.0.0.1', ...command], linear.answers);
const predict = (during: number) =>
  runRawLoad(`${rig.url}${linear.path}`, linear.body, { headers: linear.headers, connections, seconds: during, rate });

let strangers = 0;

/** So many wrong logins a second until it is stopped; gives how many were answered with what, and how long 401 took. */
function storm(from: 'many addresses' | 'one address') {
  const counts = new Map<number, number>();
  const waits: number[] = [];
  const open = new Set<Promise<void>>();
  const attempt = async () => {
    const i = strangers++;
    const address = from === 'one address' ? '198.51.100.7' : `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
    const began = performance.now();
    const { status } = await fetch(`${rig.url}/auth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify({ username: `stranger${i}`, password: `not the password ${i}` }),
    }).then(async (answer) => {
      await answer.arrayBuffer();
      return answer;
    });
    counts.set(status, (counts.get(status) ?? 0) + 1);
    if (status === 401) waits.push(performance.now() - began);
  };
  const began = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    for (const due = ((performance.now() - began) / 1000) * logins; sent < due; sent++) {
      const one = attempt()
        .catch(() => void counts.set(0, (counts.get(0) ?? 0) + 1))
        .finally(() => open.delete(one));
      open.add(one);
    }
  }, 20);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
    const answers = [...counts].sort(([a], [b]) => a - b).map(([status, count]) => `${count} × ${status}`);
    const wait = waits.length === 0 ? '' : `, the 401 after ${median(waits).toFixed(0)} ms (median)`;
    return `${sent} logins: ${answers.join(', ')}${wait}`;
  };
}

const figuresOf = (figures: LoadFigures) => {
  const { p50, p99, max } = figures.answers.find(({ status }) => status === 200)!;
  const failed = figures.answers.filter(({ status }) => status !== 200).reduce((sum, { count }) => sum + count, 0);
  return { rate: rateOf(figures), p50, p99, max, failed: failed + figures.broken };
};
type Figures = ReturnType<typeof figuresOf>;

const describe = ({ rate: perSecond, p50, p99, max, failed }: Figures) =>
  `${perSecond.toFixed(0)} req/s, p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, most ${max.toFixed(1)} ms, ${failed} failed`;

try {
  say(
    `${cpus()[0]!.model}, ${availableParallelism()} cores, Node ${process.version}, ${connections} connections, ${logins} logins a second`,
  );
  await predict(3);
  for (const from of ['many addresses', 'one address'] as const) {
    const changes: { p50: number; p99: number; rate: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const idle = figuresOf(await predict(seconds));
      const stop = storm(from);
      const during = figuresOf(await predict(stormSeconds));
      const told = await stop();
      say(`in peace:                ${describe(idle)}`);
      say(`storm of ${from}: ${describe(during)}; ${told}`);
      changes.push({ p50: during.p50 / idle.p50, p99: during.p99 / idle.p99, rate: during.rate / idle.rate });
    }
    const [p50, p99, throughput] = (['p50', 'p99', 'rate'] as const).map((figure) =>
      median(changes.map((change) => change[figure])).toFixed(2),
    );
    say(`${from}, medians of ${rounds}: p50 × ${p50}, p99 × ${p99}, requests per second × ${throughput}`);
  }
} finally {
  await rig.stop();
  linear.remove();
}
