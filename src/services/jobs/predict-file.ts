/** The platform's own job: every row of a file is predicted, and the answers are written to another file. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Static, Type } from 'typebox';
import type { Config } from '../../config.js';
import { VitrinaError } from '../../errors.js';
import type { Accounts } from '../accounts/index.js';
import { BodySource } from '../bodies/body-source.js';
import { type BodyFormat, readContentType } from '../bodies/media-types.js';
import type { ParseJson } from '../bodies/ndjson-rows.js';
import { answerTable } from '../bodies/serve-table.js';
import { ConnectedCaller } from '../predictions/connected-caller.js';
import type { PredictionService } from '../predictions/prediction-service.js';
import { defineJob, type JobContext, type JobDefinition, type JobKind } from './job.js';
import { isJobId } from './job-id.js';
import type { JobLog } from './job-worker.js';

const Input = Type.Object({
  model: Type.String(),
  version: Type.Union([Type.String(), Type.Null()]),
  contentType: Type.String(),
  encoding: Type.Union([Type.String(), Type.Null()]),
  answer: Type.String(),
  bytes: Type.Integer(),
});

/** Jobs of `POST /jobs`. */
export const predictFile: JobKind<typeof Input> = {
  name: 'predict-file',
  input: Input,
  retry: { attempts: 3, firstDelayMs: 2_000, mostDelayMs: 60_000 },
  timeoutMs: 24 * 3_600_000,
};

/** Most jobs of one key that run at a time. */
export const filesOfKey = 2;

/** The files of a job: what was sent, and what is answered. */
export function jobFiles(data: string, id: string) {
  if (!isJobId(id)) throw new Error(`"${id}" is no id of a job`);
  const folder = join(data, 'jobs', id);
  return { folder, input: join(folder, 'input'), result: join(folder, 'result') };
}

export interface PredictFileParts {
  readonly config: Config;
  readonly data: string;
  readonly accounts: Accounts;
  readonly predictions: PredictionService;
  /** Reads the JSON of one row. */
  readonly parse: ParseJson;
  readonly log: JobLog;
}

export function predictFileJob(parts: PredictFileParts): JobDefinition {
  return defineJob({
    ...predictFile,
    run: (context) => run(parts, context),
    removed: (id) => rm(jobFiles(parts.data, id).folder, { recursive: true, force: true }),
  });
}

async function run(
  { config, data, accounts, predictions, parse, log }: PredictFileParts,
  context: JobContext<Static<typeof Input>>,
) {
  const { id, input, owner, keyId, signal } = context;
  const { model, version, bytes } = input;
  const files = jobFiles(data, id);
  await stat(files.input).catch((cause: unknown) => {
    const problem = 'the file of the job is not here; workers need the data folder of the server that took it';
    throw new VitrinaError('job-file-missing', { path: files.input, problem }, { cause });
  });
  const principal = owner === null ? null : await accounts.standIn(owner, keyId);
  const caller = new ConnectedCaller({
    get destroyed() {
      return signal.aborted;
    },
  });
  caller.principal = principal;
  caller.priority = 'low';
  caller.held = [];
  const name = version === null ? undefined : version;
  const ready = await predictions.select(model, name, {});
  const asked = { model, version: name, ready, caller, id };

  let read = 0;
  const raw = createReadStream(files.input, { signal });
  const counted = new PassThrough();
  raw.on('data', (piece) => {
    read += piece.length;
    context.progress({ bytesRead: read, bytes, rows: caller.rows });
  });
  raw.once('error', (error) => counted.destroy(error));
  raw.pipe(counted);
  const part = `${files.result}.part`;
  await mkdir(files.folder, { recursive: true });
  try {
    let failure: VitrinaError | undefined;
    const source = new BodySource(counted, input.encoding ?? undefined, config['job-file-limit'], 'job-file-limit');
    const answer = await answerTable(
      source,
      readContentType(input.contentType),
      input.answer as BodyFormat,
      asked,
      predictions,
      {
        streamBytes: config['job-file-limit'],
        maxRows: config['max-rows'],
        rowBytes: config['body-limit'],
        batchBytes: config['batch-limit'],
        spool: join(data, 'spool'),
        parse,
        report: (error) => {
          failure = error;
        },
      },
    );
    await pipeline(answer.whole === undefined ? answer.readable : [answer.whole], createWriteStream(part), { signal });
    if (failure !== undefined) throw failure;
    const file = await open(part, 'r+');
    await file.sync();
    await file.close();
    await rename(part, files.result);
  } catch (error) {
    // Of a file that gets no answer, no row counts.
    for (const units of caller.held) await units.giveBack();
    throw signal.aborted ? signal.reason : error;
  } finally {
    raw.destroy();
  }
  for (const units of caller.held) {
    await units
      .settle()
      .catch((error: unknown) => log.warn({ err: error, job: id }, 'What a job used could not be counted.'));
  }
  const { size } = await stat(files.result);
  return { rows: caller.rows, bytes: size, format: input.answer, model, version: ready.version };
}
