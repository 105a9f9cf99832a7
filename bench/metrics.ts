/**
 * `npm run bench:metrics`: what metrics and traces cost. The built program twice, with metrics and traces at their
 * default sampling (to a collector that takes everything) and without, under load in turn, a slice of seconds each,
 * several starts of both; the median of the ratios of neighbours, in requests per second and in CPU time of the server per request.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, cpus } from 'node:os';
import { makeLinearModel, vitrina } from './linear-model.js';
import { runLoad } from './load.js';
import { type Rig, startRig } from './process.js';

const starts = Number(process.env.BENCH_STARTS ?? 4);
const pairs = Number(process.env.BENCH_ROUNDS ?? 6);
const seconds = Number(process.env.BENCH_SECONDS ?? 2);
const connections = Number(process.env.BENCH_CONNECTIONS ?? 16);

interface Slice {
  readonly requestsPerSecond: number;
  readonly cpuMsPerRequest: number;
}

let spans = 0;
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    spans += Buffer.concat(chunks).toString().split('"spanId"').length - 1;
    response.end('{}');
  });
});
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

const linear = makeLinearModel();
const serve = [...vitrina, 'serve', linear.model, '--port', '0', '--data', linear.data];
const settings = (list: readonly string[]) => ['env', ...list, ...serve];
const throughput: number[] = [];
const cpu: number[] = [];
// Two processes of the very same program differ by some percent in what their compilers came to: several of each.
for (let start = 0; start < starts; start++) {
  const bare = await startRig(settings(['VITRINA_METRICS=false', 'VITRINA_REQUEST_LOG=off']), linear.answers);
  const watched = await startRig(settings([`VITRINA_OTLP_ENDPOINT=${endpoint}`]), linear.answers);
  // The first thousands of requests are those of the compiler.
  for (const rig of [bare, watched, bare, watched, watched, bare]) await measure(rig);
  for (let pair = 0; pair < pairs; pair++) await comparePair(bare, watched, pair);
  await Promise.all([bare.stop(), watched.stop()]);
}
print(
  `with metrics and traces, median of ${starts} × ${pairs} pairs: ${median(throughput)} of the requests per second, ` +
    `${median(cpu)} of the CPU time per request; ${spans} spans (${cpus()[0]!.model}, ${availableParallelism()} cores, ` +
    `Node ${process.version}, ${connections} connections, ${seconds} s a slice)`,
);
collector.closeAllConnections();
collector.close();
linear.remove();

async function comparePair(bare: Rig, watched: Rig, pair: number): Promise<void> {
  // Whoever goes second finds a warmer machine: they take turns.
  const order = pair % 2 === 0 ? [bare, watched] : [watched, bare];
  const slices = new Map<Rig, Slice>();
  for (const rig of order) slices.set(rig, await measure(rig));
  const [without, withAll] = [slices.get(bare)!, slices.get(watched)!];
  throughput.push(withAll.requestsPerSecond / without.requestsPerSecond);
  cpu.push(withAll.cpuMsPerRequest / without.cpuMsPerRequest);
  print(
    `${without.requestsPerSecond.toFixed(0)} → ${withAll.requestsPerSecond.toFixed(0)} req/s, ` +
      `${(1000 * without.cpuMsPerRequest).toFixed(1)} → ${(1000 * withAll.cpuMsPerRequest).toFixed(1)} µs CPU a request`,
  );
}

async function measure(rig: Rig): Promise<Slice> {
  const { path, body, headers } = linear;
  const before = cpuMs(rig.child.pid!);
  const figures = await runLoad({ url: `${rig.url}${path}`, body, headers, connections, seconds });
  if (figures.failed > 0) throw new Error(`${figures.failed} requests failed`);
  const { requestsPerSecond } = figures;
  return { requestsPerSecond, cpuMsPerRequest: (cpuMs(rig.child.pid!) - before) / (requestsPerSecond * seconds) };
}

/** User and system time of a process so far; Linux counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function median(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${(100 * sorted[sorted.length >> 1]!).toFixed(1)} %`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
