/** A server of ours beside the bare ceiling, in turn, on the same body: a table with their ratio. */
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { type Figures, runLoad } from './load.js';
import { type Rig, startRig } from './process.js';

export interface Contender {
  /** The command that serves; it prints its address. */
  readonly command: readonly string[];
  /** Path of the route under load. */
  readonly path: string;
  readonly body: string;
  readonly headers: Record<string, string>;
  /** True when the server at `url` gives the right answer: ends its start time. */
  answers(url: string): Promise<boolean>;
}

const seconds = Number(process.env.BENCH_SECONDS ?? 8);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const connectionCounts = (process.env.BENCH_CONNECTIONS ?? '1,16,64').split(',').map(Number);
const ceiling = join(import.meta.dirname, 'ceiling.js');

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
const line = (cells: readonly (string | number)[]) =>
  process.stdout.write(
    `${cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(cell < 100 ? 1 : 0) : cell).padStart(10)).join('')}\n`,
  );

/** Prints a line a figure and the median ratio for each number of connections. */
export async function compareWithCeiling(contender: Contender): Promise<void> {
  const { body, command } = contender;
  process.stdout.write(
    `${body.length} bytes a body, ${cpus()[0]!.model}, ${availableParallelism()} cores, Node ${process.version}, ${seconds} s a figure, median of ${rounds}\n`,
  );
  line(['server', 'conns', 'req/s', 'p50 ms', 'p99 ms', 'failed', 'MB', 'start ms', 'ratio']);
  for (const connections of connectionCounts) {
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const bare = await startRig([process.execPath, ceiling], async (url) => (await fetch(url)).ok);
      const top = await measure(bare, contender, connections);
      report('bare', connections, top, bare, '');
      await bare.stop();
      const rig = await startRig(command, (url) => contender.answers(url));
      const own = await measure(rig, contender, connections);
      const ratio = own.requestsPerSecond / top.requestsPerSecond;
      ratios.push(ratio);
      report('vitrina', connections, own, rig, `${(100 * ratio).toFixed(0)} %`);
      await rig.stop();
    }
    process.stdout.write(
      `${connections} connections: ${(100 * median(ratios)).toFixed(0)} % of the bare server's requests per second\n`,
    );
  }
}

async function measure(rig: Rig, { path, body, headers }: Contender, connections: number): Promise<Figures> {
  const load = { url: `${rig.url}${path}`, body, headers, connections };
  await runLoad({ ...load, seconds: 2 });
  return runLoad({ ...load, seconds });
}

function report(name: string, connections: number, figures: Figures, rig: Rig, ratio: string): void {
  const { requestsPerSecond, p50, p99, failed } = figures;
  line([name, connections, requestsPerSecond, p50, p99, failed, rig.residentMb(), rig.startMs, ratio]);
}
