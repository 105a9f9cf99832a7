import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest, RequestPayload } from 'fastify';
import { Type } from 'typebox';
import { VitrinaError } from '../errors.js';
import { principalOf } from '../plugins/auth.js';
import { letArriveSlowly } from '../plugins/slow-body.js';
import type { Principal } from '../services/accounts/index.js';
import { readEncoding } from '../services/bodies/body-source.js';
import {
  type BodyFormat,
  chooseAnswer,
  mediaTypes,
  readContentType,
  tableTypes,
  unknownType,
} from '../services/bodies/media-types.js';
import { type JobQueue, jobStates, newJobId, viewJob } from '../services/jobs/index.js';
import { filesOfKey, jobFiles, predictFile } from '../services/jobs/predict-file.js';
import type { ServerJobs } from '../services/jobs/server-jobs.js';
import type { PredictionService } from '../services/predictions/prediction-service.js';
import { closed, nullable, Time } from './account-schemas.js';

const tags = ['Jobs'];
const Failure = Type.Object({ code: Type.String(), message: Type.String() });
const Job = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  state: Type.Enum([...jobStates]),
  priority: Type.Integer(),
  attempts: Type.Integer(),
  progress: Type.Unknown(),
  result: Type.Unknown(),
  error: Type.Union([Failure, Type.Null()]),
  cancelRequested: Type.Boolean(),
  createdAt: Time,
  runAt: Time,
  startedAt: nullable(Time),
  finishedAt: nullable(Time),
  expiresAt: nullable(Time),
});
const Attempt = Type.Object({ attempt: Type.Integer(), startedAt: Time, finishedAt: Time, error: Failure });
const Id = Type.Object({ id: Type.String({ maxLength: 100 }) });
const NewJob = Type.Object(
  {
    model: Type.String({ minLength: 1, maxLength: 200, examples: ['iris'] }),
    version: Type.Optional(Type.String({ maxLength: 100 })),
    answer: Type.Optional(
      Type.String({ maxLength: 100, description: 'Media type of the result; that of the file unless given' }),
    ),
    priority: Type.Optional(Type.Integer({ minimum: -100, maximum: 100 })),
  },
  closed,
);
const Page = Type.Object(
  {
    state: Type.Optional(Type.Enum([...jobStates])),
    name: Type.Optional(Type.String({ maxLength: 200, pattern: '^[^\\0]*$' })),
    before: Type.Optional(Type.String({ format: 'uuid', description: 'Id of the last job seen' })),
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,2}|1000)$', description: '1 to 1000, default 100' })),
  },
  closed,
);

export interface JobRoutesOptions {
  readonly jobs: ServerJobs;
  readonly predictions: PredictionService;
  /** Data folder. */
  readonly data: string;
  /** Bytes of a file. */
  readonly fileLimit: number;
}

/** Those who could not have a file predicted read no predictions of it, and run none anew. */
const config = { scopes: ['predict'] };

/** `undefined` for those who see every job. */
const ownerOf = ({ scopes, userId }: Principal): number | undefined => (scopes.includes('admin') ? undefined : userId);

/** Predictions over files, and all jobs that there are: each user's own, and for admins everybody's. */
export async function jobRoutes(
  instance: FastifyInstance,
  { jobs, predictions, data, fileLimit }: JobRoutesOptions,
): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { queue, desk, watch } = jobs;
  const find = (request: FastifyRequest<{ Params: { id: string } }>) =>
    desk.find(request.params.id, ownerOf(principalOf(request)));

  await instance.register(async (inner) => {
    // The file goes to the disk as it comes.
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser([...tableTypes.keys()], (_request, payload, done) => done(null, payload));
    inner.addContentTypeParser('*', (request, _payload, done) =>
      done(unknownType(request.headers['content-type'] ?? '')),
    );
    inner.withTypeProvider<TypeBoxTypeProvider>().post(
      '/jobs',
      {
        config,
        schema: {
          tags,
          summary: 'Predict every row of a file, in the background',
          description:
            'The body is a table as POST /models/{name}/predict takes it (CSV, NDJSON, Arrow), of any length. The same Idempotency-Key again gives the same job.',
          querystring: NewJob,
          headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }),
          response: { 202: Job },
        },
        bodyLimit: Number.MAX_SAFE_INTEGER,
      },
      async (request, reply) => {
        const { model, version, answer, priority = 0 } = request.query;
        const { 'content-type': contentType = '', 'content-encoding': encodingHeader } = request.headers;
        const { format } = readContentType(contentType);
        const result = answer === undefined ? format : chooseAnswer(answer, format);
        const encoding = readEncoding(encodingHeader);
        await predictions.select(model, version, request.headers);
        const { userId, keyId } = principalOf(request);
        const id = newJobId();
        const bytes = await receive(request, jobFiles(data, id), fileLimit);
        const key = request.headers['idempotency-key'];
        const asked = {
          model,
          version: version ?? null,
          contentType,
          encoding: encoding ?? null,
          answer: result,
          bytes,
        };
        let enqueued: Awaited<ReturnType<JobQueue['enqueue']>>;
        try {
          enqueued = await queue.enqueue(predictFile, asked, {
            id,
            priority,
            owner: userId,
            limit: { key: keyId === null ? `user:${userId}` : `key:${keyId}`, most: filesOfKey },
            ...(keyId === null ? {} : { keyId }),
            ...(key === undefined ? {} : { idempotencyKey: `${userId}:${key}` }),
          });
        } catch (error) {
          await rm(jobFiles(data, id).folder, { recursive: true, force: true });
          throw error;
        }
        if (!enqueued.isNew) await rm(jobFiles(data, id).folder, { recursive: true, force: true });
        reply.code(202).header('location', `/jobs/${enqueued.id}`);
        return viewJob(await desk.find(enqueued.id));
      },
    );
  });

  app.get(
    '/jobs',
    {
      config,
      schema: {
        tags,
        summary: 'Jobs, the newest first',
        querystring: Page,
        response: { 200: Type.Object({ jobs: Type.Array(Job) }) },
      },
    },
    async (request) => {
      const { state, name, before, limit = '100' } = request.query;
      const owner = ownerOf(principalOf(request));
      const rows = await desk.list({
        limit: Number(limit),
        ...(state === undefined ? {} : { state }),
        ...(name === undefined ? {} : { name }),
        ...(before === undefined ? {} : { before }),
        ...(owner === undefined ? {} : { owner }),
      });
      return { jobs: rows.map(viewJob) };
    },
  );

  app.get(
    '/jobs/:id',
    {
      config,
      schema: {
        tags,
        summary: 'A job, and its attempts that failed',
        params: Id,
        response: { 200: Type.Intersect([Job, Type.Object({ failures: Type.Array(Attempt) })]) },
      },
    },
    async (request) => {
      const row = await find(request);
      const failures = (await desk.attempts(row.id)).map(({ attempt, started_at, finished_at, error }) => ({
        attempt,
        startedAt: new Date(started_at).toISOString(),
        finishedAt: new Date(finished_at).toISOString(),
        error: JSON.parse(error) as { code: string; message: string },
      }));
      return { ...viewJob(row), failures };
    },
  );

  app.get(
    '/jobs/:id/events',
    {
      config,
      schema: {
        tags,
        summary: 'What becomes of a job, as it happens (server-sent events)',
        description: 'An event "job" with the job whenever it changes, and the stream ends with it.',
        params: Id,
        produces: ['text/event-stream'],
      },
    },
    async (request, reply) => {
      const row = await find(request);
      const events = watch.events(row);
      request.raw.socket.setTimeout(0);
      // A proxy that collects answers would hold the events back.
      reply
        .type('text/event-stream; charset=utf-8')
        .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
      return reply.send(events as never);
    },
  );

  app.get(
    '/jobs/:id/result',
    { config, schema: { tags, summary: 'The file that a job has made', params: Id } },
    async (request, reply) => {
      const row = await find(request);
      if (row.state !== 'succeeded' || row.name !== predictFile.name) {
        throw new VitrinaError('job-result-missing', { job: row.id, state: row.state });
      }
      const { result: path } = jobFiles(data, row.id);
      const file = await open(path, 'r').catch((cause: unknown) => {
        throw new VitrinaError(
          'job-file-missing',
          { path, problem: 'the result is not here; servers and workers need one data folder' },
          { cause },
        );
      });
      const { size } = await file.stat();
      const { answer } = JSON.parse(row.input) as { answer: BodyFormat };
      reply.type(answer === 'csv' ? 'text/csv; charset=utf-8; header=present' : mediaTypes[answer]);
      reply.header('content-length', size);
      return reply.send(createReadStream('', { fd: file }) as never);
    },
  );

  const act = (name: 'cancel' | 'retry', summary: string) =>
    app.post(
      `/jobs/:id/${name}`,
      { config, schema: { tags, summary, params: Id, response: { 200: Job } } },
      async (request) => viewJob(await desk[name](request.params.id, ownerOf(principalOf(request)))),
    );
  act('cancel', 'End a job before its time');
  act('retry', 'Let a job that failed or was cancelled run anew');
}

/** Writes the body to the job's file; its length. */
async function receive(
  request: FastifyRequest,
  { folder, input }: ReturnType<typeof jobFiles>,
  limit: number,
): Promise<number> {
  const body = request.body as RequestPayload;
  if (Number(request.headers['content-length'] ?? 0) > limit)
    throw new VitrinaError('stream-too-large', { limit, setting: 'job-file-limit' });
  letArriveSlowly(request.raw);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let bytes = 0;
  const counted = async function* (pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      bytes += piece.length;
      if (bytes > limit) throw new VitrinaError('stream-too-large', { limit, setting: 'job-file-limit' });
      yield piece;
    }
  };
  try {
    await pipeline(body, counted, createWriteStream(input, { flags: 'wx', mode: 0o600, flush: true }));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error instanceof VitrinaError ? error : new VitrinaError('request-abandoned', {}, { cause: error });
  }
  return bytes;
}
