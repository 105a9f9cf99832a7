import { type Command, InvalidArgumentError } from 'commander';
import { isBatchable } from '../runtime/index.js';
import {
  type MeasuredCallers,
  type MeasuredSize,
  measureCallers,
  measureSize,
} from '../services/batching/measure-model.js';
import { ModelRepository } from '../services/repository/model-repository.js';
import type { ReadyVersion } from '../services/repository/ready-version.js';
import { registerSessions } from './bench-sessions.js';
import { onlyModel } from './predict.js';

interface Flags {
  readonly modelVersion?: string;
  readonly rows: readonly number[];
  readonly callers: readonly number[];
  readonly seconds: number;
  readonly json?: true;
}

const mostRows = 65_536;
const mostCallers = 4096;

export function register(program: Command): void {
  const bench = program.command('bench');
  registerSessions(bench);
  bench
    .description('Measure what batches of a model cost, and what callers gain by sharing them.')
    .argument('<model>', 'an artefact, or the folder of a model')
    .option('--model-version <version>', 'the version to use (default the highest)')
    .option('--rows <sizes>', 'sizes of batches to run', readNumbers(mostRows), [1, 2, 4, 8, 16, 32, 64, 128, 256])
    .option(
      '--callers <counts>',
      'callers that each ask again as soon as they are answered',
      readNumbers(mostCallers),
      [1, 16, 64],
    )
    .option('--seconds <seconds>', 'how long each figure is measured', readSeconds, 0.5)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Inputs are zeros. "beside" is what a caller waits beside the run: the batcher, and for a model that is placed in a
worker thread the way there and back. Callers are those of one process, without HTTP.

Examples:
  vitrina bench iris.keras
  vitrina bench LSTM.h5 --rows 1,8,64 --callers 1,64 --seconds 2 --json
  vitrina bench sessions                     the sessions app, under 100 requests at once`,
    )
    .action(async (path: string, flags: Flags) => {
      const models = new ModelRepository({
        paths: [path],
        cacheFolder: undefined,
        maxQueueRows: Number.MAX_SAFE_INTEGER,
      });
      try {
        await models.refresh();
        const ready = models.get(onlyModel(models, path), flags.modelVersion);
        const report = await measure(ready, flags);
        process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : write(report));
      } finally {
        await models.close();
      }
    });
}

async function measure(ready: ReadyVersion, { rows, callers, seconds }: Flags) {
  const sizes: MeasuredSize[] = [];
  for (const size of isBatchable(ready.signature) ? rows : [1]) sizes.push(await measureSize(ready, size, seconds));
  const loops: MeasuredCallers[] = [];
  for (const count of callers) {
    for (const batching of [false, true]) loops.push(await measureCallers(ready, count, batching, seconds));
  }
  const { model, version, placement, timing, maxBatchRows, maxDelayMs } = ready;
  return {
    model,
    version,
    placement,
    singleMs: timing?.singleMs ?? null,
    maxBatchRows,
    maxDelayMs,
    sizes,
    callers: loops,
  };
}

const places = { inline: 'on the event loop', worker: 'in a worker thread', process: 'in a process of its own' };

type Report = Awaited<ReturnType<typeof measure>>;

function write({ model, version, placement, singleMs, maxBatchRows, maxDelayMs, sizes, callers }: Report): string {
  const single = singleMs === null ? 'it could not be timed on zeros' : `one row takes ${singleMs.toFixed(3)} ms`;
  const lines = [
    `${model} version ${version}: ${places[placement]} (${single}),`,
    `batches of at most ${maxBatchRows} rows, which wait ${maxDelayMs} ms for company on a busy server.`,
    'Larger batches would keep the thread busy for too long, or make a row no cheaper. Both can be set in model.yaml.',
    '',
    row('rows', 'ms a run', 'rows/s', 'us a row', 'us beside'),
    ...sizes.map((size) =>
      row(size.rows, size.runMs.toFixed(3), size.rowsPerSecond, (1000 * size.runMs) / size.rows, 1000 * size.besideMs),
    ),
    '',
    row('callers', 'batching', 'req/s', 'p50 ms', 'p99 ms', 'rows/run'),
    ...callers.map((loop) =>
      row(
        loop.callers,
        loop.batching ? 'on' : 'off',
        loop.requestsPerSecond,
        loop.p50Ms.toFixed(3),
        loop.p99Ms.toFixed(3),
        loop.batchRows,
      ),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

const row = (...cells: readonly (string | number)[]) =>
  cells.map((cell) => (typeof cell === 'number' ? format(cell) : cell).padStart(10)).join('');

const format = (value: number) => (Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toFixed(1));

function readNumbers(most: number): (text: string) => number[] {
  return (text) => {
    const numbers = text.split(',').map((part) => (/^\d{1,9}$/.test(part.trim()) ? Number(part) : 0));
    if (numbers.every((number) => number >= 1 && number <= most)) return numbers;
    throw new InvalidArgumentError(`expected whole numbers from 1 to ${most}, with commas between them.`);
  };
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('expected a number of seconds up to 3600.');
}
