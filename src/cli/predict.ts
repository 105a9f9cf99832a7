import { closeSync, createReadStream, openSync, readFileSync, readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Command, CommanderError, Option } from 'commander';
import { VitrinaError } from '../errors.js';
import { type CsvRecord, readCsv, writeCsv } from '../formats/index.js';
import { parseBody } from '../plugins/json-body.js';
import { BodySource } from '../services/bodies/body-source.js';
import type { BodyFormat } from '../services/bodies/media-types.js';
import { answerTable } from '../services/bodies/serve-table.js';
import { FeatureReader } from '../services/predictions/features.js';
import { readBody, writeAnswer } from '../services/predictions/prediction-json.js';
import { type Prediction, PredictionService } from '../services/predictions/prediction-service.js';
import {
  answerObjects,
  answerRecords,
  demandProbabilities,
  planAnswer,
  tabulate,
} from '../services/predictions/tabular-answer.js';
import { ModelRepository } from '../services/repository/model-repository.js';
import type { ReadyVersion } from '../services/repository/ready-version.js';
import type { Tensor } from '../tensor.js';
import { exitCodes } from './exit-codes.js';

interface Flags {
  readonly modelVersion?: string;
  readonly input?: string;
  readonly format?: Format;
  readonly proba?: true;
}

type Format = (typeof formats)[number];
const formats = ['json', 'csv', 'ndjson', 'arrow'] as const;

export function register(program: Command): void {
  program
    .command('predict')
    .description('Predict without a server: the same bodies and the same answers as POST /models/{name}/predict.')
    .argument('<model>', 'an artefact, or the folder of a model')
    .argument('[body]', 'file with the JSON body; standard input unless given')
    .option('--model-version <version>', 'the version to use (default the highest)')
    .option('--input <file>', 'rows of features instead, in CSV, JSON, NDJSON or Arrow; - is standard input')
    .addOption(new Option('--format <format>', 'of the answer to --input (default that of the input)').choices(formats))
    .option('--proba', 'with --input: the probabilities of the classes as well')
    .addHelpText(
      'after',
      `
Examples:
  vitrina predict iris.keras body.json
  echo '{"inputs": {"x": [[5.1, 3.5, 1.4, 0.2]]}}' | vitrina predict iris.keras
  vitrina predict model.pkl --input rows.csv > predictions.csv
  vitrina predict model.pkl --input rows.csv --format json --proba
  vitrina predict model.pkl --input rows.ndjson --format csv
  vitrina predict model.pkl --input rows.arrow > predictions.arrows

Tables in NDJSON or Arrow, of whatever size, are answered row by row with all outputs, as the server does; CSV and JSON
with the prediction, and the probabilities when they are asked for.`,
    )
    .action(async (path: string, body: string | undefined, flags: Flags) => {
      const { input, format, proba, modelVersion } = flags;
      if (input === undefined && (format !== undefined || proba))
        throw wrongUsage('--format and --proba go with --input');
      if (input !== undefined && body !== undefined) throw wrongUsage('give a body or --input, not both');
      const table = input === undefined ? undefined : tableOf(input, format);
      if (table !== undefined) {
        if (proba) throw wrongUsage('--proba goes with CSV and JSON; in NDJSON and Arrow there are all outputs');
        await withModel(path, modelVersion, answerStreamed(input!, table));
        return;
      }
      const ask =
        input === undefined ? answerBody(readJson(body ?? '-')) : answerRows(readInput(input), format, proba === true);
      process.stdout.write(await withModel(path, modelVersion, ask));
    });
}

/** Asks one version; `predict` computes. */
type Ask<T> = (
  version: ReadyVersion,
  predict: (inputs: Record<string, Tensor>) => Promise<Prediction>,
  predictions: PredictionService,
) => Promise<T>;

async function withModel<T>(path: string, version: string | undefined, ask: Ask<T>): Promise<T> {
  const models = new ModelRepository({ paths: [path], cacheFolder: undefined, maxQueueRows: Number.MAX_SAFE_INTEGER });
  try {
    await models.refresh();
    const model = onlyModel(models, path);
    const ready = models.get(model, version);
    const predictions = new PredictionService(models, Number.MAX_SAFE_INTEGER);
    return await ask(ready, (inputs) => predictions.predict({ model, version: ready.version, inputs }), predictions);
  } finally {
    await models.close();
  }
}

/** As POST /models/{name}/predict does. */
function answerBody(body: unknown): Ask<string> {
  return async ({ signature }, predict) => {
    const { form, inputs } = readBody(signature, body);
    return `${JSON.stringify(writeAnswer(form, await predict(inputs)))}\n`;
  };
}

/** As POST /modelo does. */
function answerRows(bytes: Buffer, wanted: Format | undefined, proba: boolean): Ask<string> {
  const given: Format = /^\s*[[{]/.test(bytes.toString('latin1', 0, 1000)) ? 'json' : 'csv';
  const rows = given === 'json' ? parseJson(bytes) : readCsv(bytes);
  return async ({ signature, labels }, predict) => {
    const plan = planAnswer(signature, labels);
    if (proba) demandProbabilities(plan);
    const reader = new FeatureReader(signature);
    const { inputs, single } =
      given === 'json' ? reader.readJson(rows) : { inputs: reader.readRecords(rows as CsvRecord[]), single: false };
    const answer = tabulate(plan, await predict(inputs));
    if ((wanted ?? given) === 'csv') return writeCsv(answerRecords(answer, proba));
    const objects = answerObjects(answer, proba);
    return `${JSON.stringify(single ? objects[0] : objects)}\n`;
  };
}

/** What is asked and answered row by row; nothing for CSV and JSON alone. */
interface StreamedTable {
  readonly given: BodyFormat;
  readonly wanted: BodyFormat;
}

function tableOf(input: string, format: Format | undefined): StreamedTable | undefined {
  const given = formatOf(input);
  const streamed = given === 'ndjson' || given.startsWith('arrow') || format === 'ndjson' || format === 'arrow';
  if (!streamed) return undefined;
  if (given === 'json') throw wrongUsage('JSON is answered in JSON or CSV');
  return { given, wanted: format === undefined ? given : format === 'arrow' ? 'arrow-stream' : format };
}

/** By the name of the file; Arrow's two forms by their first bytes. */
function formatOf(input: string): BodyFormat {
  const extension = extname(input).toLowerCase();
  if (extension === '.ndjson' || extension === '.jsonl') return 'ndjson';
  if (extension === '.json') return 'json';
  if (!['.arrow', '.arrows', '.feather'].includes(extension)) return 'csv';
  return firstBytes(input, 6) === 'ARROW1' ? 'arrow-file' : 'arrow-stream';
}

function firstBytes(file: string, count: number): string {
  const bytes = Buffer.alloc(count);
  try {
    const opened = openSync(file, 'r');
    readSync(opened, bytes, 0, count, 0);
    closeSync(opened);
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: file, problem: 'the file cannot be read' }, { cause });
  }
  return bytes.toString('latin1');
}

/** As POST /models/{name}/predict answers a table. */
function answerStreamed(input: string, { given, wanted }: StreamedTable): Ask<void> {
  return async (ready, _predict, predictions) => {
    const limit = Number.MAX_SAFE_INTEGER;
    let failed: VitrinaError | undefined;
    const source = new BodySource(input === '-' ? process.stdin : createReadStream(input), undefined, limit);
    const settings = {
      streamBytes: limit,
      maxRows: limit,
      rowBytes: 2 ** 28,
      batchBytes: 2 ** 31,
      spool: join(tmpdir(), 'vitrina'),
      parse: parseBody,
      report: (failure: VitrinaError) => {
        failed = failure;
      },
    };
    const request = { model: ready.model, version: ready.version, ready };
    const content = { format: given, header: undefined };
    const answer = await answerTable(source, content, wanted, request, predictions, settings);
    if (answer.whole !== undefined) process.stdout.write(answer.whole);
    else await pipeline(answer.readable, process.stdout, { end: false });
    if (failed !== undefined) throw failed;
  };
}

/** The one model under `path`; its fault, if it has one, is thrown. */
export function onlyModel(models: ModelRepository, path: string): string {
  const names = models.names();
  if (names.length !== 1) {
    const problem =
      names.length === 0
        ? 'there is no model here'
        : `there are ${names.length} models; name one of ${names.join(', ')}`;
    throw new VitrinaError('path-unusable', { path, problem });
  }
  const states = models.versions(names[0]!).map(({ state }) => state);
  const failed = states.find((state) => state.status === 'failed');
  if (failed?.status === 'failed' && !states.some((state) => state.status === 'ready')) throw failed.error;
  return names[0]!;
}

function readJson(file: string): unknown {
  return parseJson(readInput(file));
}

function readInput(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: file, problem: 'the file cannot be read' }, { cause });
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new VitrinaError('body-not-json', { problem: (cause as Error).message.slice(0, 200) }, { cause });
  }
}

function wrongUsage(message: string): CommanderError {
  process.stderr.write(`error: ${message}\n`);
  return new CommanderError(exitCodes.usage, 'vitrina.usage', message);
}
