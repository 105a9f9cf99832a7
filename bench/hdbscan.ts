/**
 * `npm run bench:hdbscan`: clusters 10⁴ to 10⁷ timestamps of one person, each size in a process of its own, as they come
 * from a store (in order) and shuffled. Times, of the clock and of the processor, are the best of some runs; memory is
 * what the process holds more of at its peak in the first run, resident, the answer included.
 */
import { execFileSync } from 'node:child_process';
import { hdbscan } from '../src/learn/hdbscan/index.js';
import { MersenneTwister } from '../src/learn/mersenne-twister.js';

const sizes = (process.env.BENCH_SIZES ?? '10000,100000,1000000,10000000').split(',').map(Number);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);

interface Measured {
  readonly ms: number;
  readonly cpuMs: number;
  readonly bytes: number;
  readonly clusters: number;
}

/** Milliseconds since 1970: an event every few seconds, and pauses of up to some hours after one in fifty. */
function timestamps(count: number, shuffled: boolean): Float64Array {
  const random = new MersenneTwister(count);
  const times = new Float64Array(count);
  let now = 1_660_000_000_000;
  for (let i = 0; i < count; i++) {
    now += random.upTo(random.upTo(49) === 0 ? 10_000_000 : 20_000);
    times[i] = now;
  }
  if (!shuffled) return times;
  // In place: what is needed for a moment would count as held before.
  for (let i = count - 1; i > 0; i--) {
    const j = random.upTo(i);
    const time = times[i]!;
    times[i] = times[j]!;
    times[j] = time;
  }
  return times;
}

function measure(count: number, shuffled: boolean): Measured {
  // Compiled before it is measured, as it is in a server.
  for (let i = 0; i < 20; i++) hdbscan(timestamps(5000, shuffled));
  const times = timestamps(count, shuffled);
  const peak = () => process.resourceUsage().maxRSS * 1024;
  const before = peak();
  let ms = Number.POSITIVE_INFINITY;
  let cpuMs = ms;
  let bytes = 0;
  let clusters = 0;
  for (let round = 0; round < (count > 5e6 ? 2 : rounds); round++) {
    const start = performance.now();
    const used = process.cpuUsage();
    clusters = hdbscan(times).clusters;
    const { user, system } = process.cpuUsage(used);
    ms = Math.min(ms, performance.now() - start);
    cpuMs = Math.min(cpuMs, (user + system) / 1000);
    if (round === 0) bytes = peak() - before;
  }
  return { ms, cpuMs, bytes: bytes / count, clusters };
}

const [, , size, order] = process.argv;
if (size !== undefined) {
  process.stdout.write(JSON.stringify(measure(Number(size), order === 'shuffled')));
} else {
  process.stdout.write('   events  order           ms    CPU ms  CPU ns / (n log2 n)  bytes an event  clusters\n');
  for (const count of sizes) {
    for (const given of ['in order', 'shuffled']) {
      const args = ['--import', 'tsx', import.meta.filename, String(count), given];
      const one = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Measured;
      const rate = (one.cpuMs * 1e6) / (count * Math.log2(count));
      const line = [
        String(count).padStart(9),
        given,
        one.ms.toFixed(0).padStart(8),
        one.cpuMs.toFixed(0).padStart(8),
        rate.toFixed(1).padStart(19),
        one.bytes.toFixed(0).padStart(14),
        String(one.clusters).padStart(8),
      ];
      process.stdout.write(`${line.join('  ')}\n`);
    }
  }
}
