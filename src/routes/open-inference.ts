/** Open Inference Protocol v2 over HTTP, with the binary tensor extension and Triton's additions. */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { VitrinaError } from '../errors.js';
import { speak } from '../plugins/error-handler.js';
import { parseBody } from '../plugins/json-body.js';
import { parseNumbers } from '../plugins/json-numbers.js';
import { jsonElements } from '../services/open-inference/json-elements.js';
import {
  modelConfig,
  modelMetadata,
  refuseOverrides,
  repositoryIndex,
  serverMetadata,
  statistics,
} from '../services/open-inference/metadata.js';
import { type InferRequest, readInferRequest, readRawRequest } from '../services/open-inference/read-request.js';
import { writeInferResponse } from '../services/open-inference/write-response.js';
import { answerWith, callerOf } from '../services/platform.js';
import type { PredictionService } from '../services/predictions/prediction-service.js';
import type { ModelRepository } from '../services/repository/model-repository.js';
import type { ReadyVersion } from '../services/repository/ready-version.js';

type Model = { Params: { model: string; version?: string } };

/** Length of the JSON in front of raw tensors, in both directions; 0 says that there is none. */
const lengthHeader = 'inference-header-content-length';

/**
 * `/v2/…`. Health is public; everything else needs a key or token as the platform's own routes do. Errors are
 * `{"error": text}` with the status of the catalogue.
 * Specification: https://github.com/kserve/open-inference-protocol,
 * https://github.com/triton-inference-server/server/tree/main/docs/protocol
 */
export async function openInferenceRoutes(
  app: FastifyInstance,
  { models, predictions }: { models: ModelRepository; predictions: PredictionService },
): Promise<void> {
  speak(app, { contentType: 'application/json', render: (error) => ({ error: error.message }) });
  // Clients name no content type, or that of bytes, whatever the body holds.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  const open = { config: { public: true }, schema: { tags: ['open inference protocol'] } };
  const reading = { config: { scopes: ['models:read'] as const }, schema: { tags: ['open inference protocol'] } };
  const changing = { config: { scopes: ['models:write'] as const }, schema: { tags: ['open inference protocol'] } };
  const predicting = { config: { scopes: ['predict'] as const }, schema: { tags: ['open inference protocol'] } };

  app.get('/', reading, () => serverMetadata);
  // The specification's text says `live`, a client reads `ready`: both are given.
  app.get('/health/live', open, () => ({ live: true, ready: true }));
  app.get('/health/ready', open, (_request, reply) => {
    const { ready } = models;
    return reply.status(ready ? 200 : 503).send({ live: true, ready });
  });

  for (const path of ['/models/:model', '/models/:model/versions/:version']) {
    const find = async ({ params: { model, version } }: FastifyRequest<Model>): Promise<ReadyVersion> =>
      models.acquire(model, version);
    app.get<Model>(`${path}/ready`, reading, ({ params: { model, version } }) => {
      // What loads when it is asked for is ready; anything else is told why it is not.
      if (!models.answers(model, version)) models.get(model, version);
      return { name: model, ready: true };
    });
    app.get<Model>(path, reading, async (request) => modelMetadata(models, await find(request)));
    app.get<Model>(`${path}/config`, reading, async (request) => modelConfig(await find(request)));
    app.get<Model>(`${path}/stats`, reading, ({ params: { model, version } }) => ({
      model_stats: statistics(models, model, version),
    }));
    app.post<Model>(`${path}/infer`, predicting, (request, reply) => {
      const { model, version } = request.params;
      const caller = callerOf(request);
      const ask = (ready: ReadyVersion, body: Buffer) => {
        const asked = readRequest(ready, request.headers[lengthHeader], body);
        if (asked.timeoutMs !== undefined) caller.hasten(request.startedAt + asked.timeoutMs);
        const wanted = { model, version, ready, inputs: asked.inputs, caller, id: request.id };
        answerWith(reply, predictions.predict(wanted), (prediction) => {
          reply.header('x-model-version', prediction.version.version);
          send(reply, writeInferResponse(asked, prediction, request.route.bodyLimit));
        });
      };
      const selected = predictions.select(model, version, request.headers, caller);
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding === 'identity' && !(selected instanceof Promise)) {
        ask(selected, body);
        return;
      }
      const prepared = async () => ask(await selected, await decompress(request, encoding, body));
      prepared().catch((error: unknown) => void reply.send(error));
    });
  }
  app.get('/models/stats', reading, () => ({ model_stats: statistics(models) }));
  app.post('/repository/index', reading, ({ body }) => {
    const asked = Buffer.isBuffer(body) && body.length > 0 ? parseBody(body) : {};
    return repositoryIndex(models, (asked as { ready?: unknown } | null)?.ready === true);
  });
  app.post<Model>('/repository/models/:model/load', changing, async ({ params: { model }, body }, reply) => {
    const asked = Buffer.isBuffer(body) && body.length > 0 ? parseBody(body) : {};
    refuseOverrides((asked as { parameters?: unknown } | null)?.parameters);
    await models.load(model);
    return reply.send();
  });
  app.post<Model>('/repository/models/:model/unload', changing, async ({ params: { model } }, reply) => {
    await models.unload(model);
    return reply.send();
  });
}

const parseInfer = (bytes: Buffer): unknown => parseNumbers(bytes, 'data') ?? parseBody(bytes);

/** @param header of the length of the JSON */
function readRequest({ signature }: ReadyVersion, header: string | string[] | undefined, body: Buffer): InferRequest {
  if (header === undefined) return readInferRequest(signature, parseInfer(body), jsonElements(new Uint8Array()));
  const length = Number(header);
  if (!Number.isSafeInteger(length) || length < 0 || length > body.length) {
    throw new VitrinaError('request-malformed', {
      problem: `Inference-Header-Content-Length is "${String(header).slice(0, 40)}", and the body has ${body.length} bytes`,
    });
  }
  if (length === 0) return readRawRequest(signature, body);
  return readInferRequest(signature, parseInfer(body.subarray(0, length)), jsonElements(body.subarray(length)));
}

const inflaters = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/** The body, inflated up to the limit that holds for bodies that are not compressed. */
async function decompress(request: FastifyRequest, encoding: string, body: Buffer): Promise<Buffer> {
  if (encoding === 'identity') return body;
  if (!Object.hasOwn(inflaters, encoding)) {
    throw new VitrinaError('body-media-type', {
      type: `Content-Encoding ${encoding.slice(0, 40)}`,
      expected: 'gzip or deflate',
    });
  }
  const limit = request.route.bodyLimit ?? request.server.initialConfig.bodyLimit ?? 2 ** 20;
  try {
    return await inflaters[encoding as 'gzip'](body, { maxOutputLength: limit });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new VitrinaError('body-too-large', { limit });
    throw new VitrinaError('request-malformed', { problem: `the body is not ${encoding}` }, { cause });
  }
}

function send(reply: FastifyReply, { body, raw }: ReturnType<typeof writeInferResponse>): void {
  const json = Buffer.from(JSON.stringify(body));
  if (raw.length === 0) reply.type('application/json').send(json);
  else
    reply
      .header('Inference-Header-Content-Length', json.length)
      .type('application/octet-stream')
      .send(Buffer.concat([json, ...raw]));
}
