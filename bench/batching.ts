/**
 * `npm run bench:batching`: what sharing batches gains 64 callers of an LSTM who each ask again as soon as they are
 * answered, and that a caller alone loses nothing by it. Two servers of the built program, one of them with batches of
 * one row, in turn.
 */
import { availableParallelism, cpus } from 'node:os';
import { type LstmRig, startLstm } from './lstm-rig.js';
import { median, rateOf } from './run-raw-load.js';

const seconds = Number(process.env.BENCH_SECONDS ?? 5);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);

interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of the server's processor time for each answer: steadier than what passes on a busy machine. */
  readonly cpuMs: number;
}

async function measure(rig: LstmRig, connections: number): Promise<Figures> {
  const before = rig.cpuMs();
  const figures = await rig.load({ connections, seconds });
  const cpuMs = rig.cpuMs() - before;
  const right = figures.answers.find(({ status }) => status === 200);
  if (right === undefined || figures.answers.length > 1 || figures.broken > 0) {
    throw new Error(`not every answer was right: ${JSON.stringify(figures)}`);
  }
  return { perSecond: rateOf(figures), p50: right.p50, p99: right.p99, cpuMs: cpuMs / right.count };
}

const line = (...cells: readonly (string | number)[]) =>
  process.stdout.write(
    `${cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(cell < 100 ? 3 : 0) : cell).padStart(11)).join('')}\n`,
  );

const on = await startLstm('{}');
const off = await startLstm('batching: {maxBatchRows: 1}');
try {
  process.stdout.write(
    `${cpus()[0]!.model}, ${availableParallelism()} cores, Node ${process.version}, ${seconds} s a figure, median of ${rounds}\n`,
  );
  for (const rig of [on, off]) await rig.load({ connections: 16, seconds: 2 });
  line('callers', 'batching', 'req/s', 'p50 ms', 'p99 ms', 'cpu ms/req');
  for (const callers of [1, 64]) {
    const all: Record<'on' | 'off', Figures[]> = { on: [], off: [] };
    for (let round = 0; round < rounds; round++) {
      all.off.push(await measure(off, callers));
      all.on.push(await measure(on, callers));
    }
    const typical = (figures: readonly Figures[], name: keyof Figures) => median(figures.map((one) => one[name]));
    for (const name of ['off', 'on'] as const) {
      const of = (figure: keyof Figures) => typical(all[name], figure);
      line(callers, name, of('perSecond'), of('p50'), of('p99'), of('cpuMs'));
    }
    const ratios = (name: keyof Figures) => median(all.on.map((one, round) => one[name] / all.off[round]![name]));
    process.stdout.write(
      `${callers} callers: ${ratios('perSecond').toFixed(2)} times the requests per second, ${ratios('p50').toFixed(2)} times the p50, ${(1 / ratios('cpuMs')).toFixed(2)} times the requests per second of processor time\n`,
    );
  }
} finally {
  await Promise.all([on.stop(), off.stop()]);
}
