/**
 * `npm run bench:metrics`: what metrics and traces cost. The built program twice, with metrics and traces at their
 * default sampling (to a collector that takes everything) and without, under load in turn, a slice of seconds each,
 * several starts of both; medians of the ratios of neighbours. In a closed loop they are requests per second, and the CPU
 * time of the server per request; at a fixed rate, below what either can do, that CPU time alone: where nothing waits for
 * a processor, it is by far the steadier.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, cpus } from 'node:os';
import { makeLinearModel, vitrina } from './linear-model.js';
import { type Rig, startRig } from './process.js';
import { median, rateOf, runRawLoad } from './run-raw-load.js';

const starts = Number(process.env.BENCH_STARTS ?? 4);
const pairs = Number(process.env.BENCH_ROUNDS ?? 8);
const seconds = Number(process.env.BENCH_SECONDS ?? 1);
const pace = Number(process.env.BENCH_RATE ?? 3_000);
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
const ratios = { throughput: [] as number[], cpu: [] as number[], pacedCpu: [] as number[] };
// Two processes of the very same program differ by some percent in what their compilers came to: several of each.
for (let start = 0; start < starts; start++) {
  const bare = await startRig(settings(['VITRINA_METRICS=false', 'VITRINA_REQUEST_LOG=off']), linear.answers);
  const watched = await startRig(settings([`VITRINA_OTLP_ENDPOINT=${endpoint}`]), linear.answers);
  // The first thousands of requests are those of the compiler.
  for (const rig of [bare, watched, watched, bare]) await measure(rig, 0, 3);
  for (let pair = 0; pair < pairs; pair++) {
    const [without, withAll] = await measurePair(bare, watched, 0, pair);
    ratios.throughput.push(withAll.requestsPerSecond / without.requestsPerSecond);
    ratios.cpu.push(withAll.cpuMsPerRequest / without.cpuMsPerRequest);
    const paced = await measurePair(bare, watched, pace, pair);
    ratios.pacedCpu.push(paced[1].cpuMsPerRequest / paced[0].cpuMsPerRequest);
    print(
      `${without.requestsPerSecond.toFixed(0)} → ${withAll.requestsPerSecond.toFixed(0)} req/s, ${micros(without)} → ${micros(withAll)} µs CPU a request; ` +
        `at ${pace} req/s ${micros(paced[0])} → ${micros(paced[1])}`,
    );
  }
  await Promise.all([bare.stop(), watched.stop()]);
}
print(
  `with metrics and traces, medians of ${starts} × ${pairs} pairs: ${percent(ratios.throughput)} of the requests per second, ` +
    `${percent(ratios.cpu)} of the CPU time per request, ${percent(ratios.pacedCpu)} at ${pace} req/s; ${spans} spans ` +
    `(${cpus()[0]!.model}, ${availableParallelism()} cores, Node ${process.version}, ${connections} connections)`,
);
collector.closeAllConnections();
collector.close();
linear.remove();

/** Whoever goes second finds a warmer machine: they take turns. */
async function measurePair(bare: Rig, watched: Rig, rate: number, pair: number): Promise<readonly [Slice, Slice]> {
  if (pair % 2 === 0) return [await measure(bare, rate), await measure(watched, rate)];
  const second = await measure(watched, rate);
  return [await measure(bare, rate), second];
}

async function measure(rig: Rig, rate: number, during = seconds): Promise<Slice> {
  const { path, body, headers } = linear;
  const before = rig.cpuMs();
  const figures = await runRawLoad(`${rig.url}${path}`, body, { headers, connections, seconds: during, rate });
  const requestsPerSecond = rateOf(figures);
  if (figures.broken > 0 || figures.answers.some(({ status }) => status !== 200)) throw new Error('Requests failed');
  return { requestsPerSecond, cpuMsPerRequest: (rig.cpuMs() - before) / (requestsPerSecond * during) };
}

function micros({ cpuMsPerRequest }: Slice): string {
  return (1000 * cpuMsPerRequest).toFixed(1);
}

function percent(values: readonly number[]): string {
  return `${(100 * median(values)).toFixed(1)} %`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
