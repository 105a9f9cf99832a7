import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  answerWith,
  callerOf,
  defineApp,
  demandProbabilities,
  type Platform,
  tabulate,
  textTypes,
  VitrinaError,
} from '../../index.js';
import { writeAnswer, writeRepresentation } from './answer.js';
import { CsvBody, chooseForm, type Form, readCsvBody } from './negotiation.js';
import { checkConditions, isKnown, tagOf } from './preconditions.js';
import { artefactSchema, bodySchema, querySchema, responses } from './schemas.js';
import { type ModeloSettings, readSettings } from './settings.js';
import { describeModel, type TabularModel } from './tabular-model.js';

/**
 * A persisted model as one REST resource: GET describes it, POST asks it, PUT replaces it, DELETE removes it.
 *
 * Rows come as JSON or CSV, features by name or by position (`negotiation.ts`, the platform's `FeatureReader`); the
 * platform computes, replaces and keeps; conditions on the ETag are checked in `preconditions.ts`.
 */
export default defineApp({
  name: 'modelo',
  title: 'modelo: a model as a REST resource',
  description: 'Describes, asks, replaces and removes one regression or classification model.',
  async register(scope, platform) {
    const settings = readSettings(platform.settings);
    const mount = async (inner: FastifyInstance) => addRoutes(inner, platform, settings);
    await scope.register(mount);
    // Clients of the original know the resource by this path.
    if (platform.alone) await scope.register(mount, { prefix: '/modelo' });
  },
  renderDetail({ code }) {
    if (code !== 'model-not-found') return undefined;
    return 'There is no model; PUT an artefact (.pkl, .joblib, .onnx, .h5, .keras) to this URL.';
  },
});

const allow = 'GET, HEAD, POST, PUT, DELETE, OPTIONS';

async function addRoutes(scope: FastifyInstance, platform: Platform, settings: ModeloSettings): Promise<void> {
  const currentModel = followModel(platform);
  const open = { public: true } as const;

  scope.get(
    '/',
    { config: open, schema: { summary: 'Describe the model', response: responses.describe } },
    (request, reply) => {
      const form = chooseForm(request.headers.accept, 'json');
      const model = currentModel();
      const tag = tagOf(model.ready, form);
      if (!isKnown(request.headers, tag)) return describe(reply, form, model);
      return reply.headers({ etag: tag, vary: 'Accept', 'cache-control': 'no-cache' }).status(304).send();
    },
  );

  scope.options('/', { config: open, schema: { hide: true } }, (_request, reply) =>
    reply.header('allow', allow).status(204).send(),
  );

  await scope.register(async (asking) => {
    asking.addContentTypeParser('text/csv', { parseAs: 'buffer' }, (request, body, done) => {
      try {
        done(null, readCsvBody(request.headers['content-type']!, body as Buffer));
      } catch (error) {
        done(error as Error);
      }
    });
    asking.addContentTypeParser('*', (request, _payload, done) =>
      done(unreadable(request, 'application/json or text/csv')),
    );
    asking.post(
      '/',
      {
        config: { ...(settings.predict === 'public' ? open : { scopes: ['predict'] }), row: true },
        schema: {
          summary: 'Predict',
          querystring: querySchema,
          body: bodySchema(optional(currentModel)),
          response: responses.predict,
        },
        // The schema is for people; bodies are checked against the model that answers.
        validatorCompiler: () => () => true,
      },
      (request, reply) => predict(platform, currentModel, request, reply),
    );
  });

  await scope.register(async (changing) => {
    changing.removeAllContentTypeParsers();
    changing.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    const config = { scopes: ['models:write'] };

    changing.put(
      '/',
      {
        config,
        schema: {
          summary: 'Replace the model by an artefact',
          body: artefactSchema,
          response: responses.replace,
        },
        validatorCompiler: () => () => true,
      },
      async (request, reply) => {
        const form = chooseForm(request.headers.accept, 'json');
        const upload = uploadOf(request, settings['max-bytes']);
        // Before the upload, to spare it; and when its turn comes, since another may have been quicker.
        checkConditions(request.headers, optional(currentModel)?.ready);
        const ready = await platform
          .replaceModel(upload, settings['max-bytes'], {
            before: (current) => checkConditions(request.headers, current),
            candidate: describeModel,
          })
          // The rest of what is refused is read and dropped: a sender reads the answer when it has sent everything.
          .finally(() => request.raw.resume());
        platform.log.info({ sha256: ready.sha256, version: ready.version }, 'The model was replaced.');
        return describe(reply, form, describeModel(ready));
      },
    );

    changing.delete(
      '/',
      { config, schema: { summary: 'Remove the model', response: responses.remove } },
      async (request, reply) => {
        await platform.withdrawModel({ before: (current) => checkConditions(request.headers, current) });
        platform.log.info('The model was removed.');
        return reply.status(204).send();
      },
    );
  });
}

/** The model that answers now, described once a reload. Errors: those of `models.get`, `model-not-ready` for a model that takes no rows. */
function followModel(platform: Platform): () => TabularModel {
  let current: TabularModel | undefined;
  return () => {
    const ready = platform.models.get(platform.modelName);
    if (current?.ready !== ready) {
      try {
        current = describeModel(ready);
      } catch (error) {
        if (!(error instanceof VitrinaError)) throw error;
        throw new VitrinaError('model-not-ready', {
          model: ready.model,
          version: ready.version,
          reason: error.message,
        });
      }
    }
    return current;
  };
}

/** Nothing where there is no model that answers. */
function optional(currentModel: () => TabularModel): TabularModel | undefined {
  try {
    return currentModel();
  } catch (error) {
    if (error instanceof VitrinaError) return undefined;
    throw error;
  }
}

function describe(reply: FastifyReply, form: Form, { ready, representation }: TabularModel): FastifyReply {
  return reply
    .headers({ etag: tagOf(ready, form), vary: 'Accept', 'cache-control': 'no-cache' })
    .type(textTypes[form])
    .send(writeRepresentation(form, representation));
}

function predict(
  platform: Platform,
  currentModel: () => TabularModel,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { body } = request;
  const form = chooseForm(request.headers.accept, body instanceof CsvBody ? 'csv' : 'json');
  const wantsProbabilities = readProba(request.query);
  const ask = () => {
    const { ready, plan, reader } = currentModel();
    if (wantsProbabilities) demandProbabilities(plan);
    const { inputs, single } = readInputs(reader, body);
    const asked = { model: platform.modelName, ready, inputs, caller: callerOf(request), id: request.id };
    answerWith(reply, platform.predict(asked), (prediction) => {
      // Another model may have taken over in between: the features must be those of the one that answered.
      if (prediction.version !== ready) ask();
      else {
        const text = writeAnswer(form, tabulate(plan, prediction), single, wantsProbabilities);
        reply.type(textTypes[form]).send(text);
      }
    });
  };
  ask();
}

function readInputs(reader: TabularModel['reader'], body: unknown) {
  if (body instanceof CsvBody) return { inputs: reader.readRecords(body.records, body.header), single: false };
  return reader.readJson(body);
}

function readProba(query: unknown): boolean {
  for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
    const message =
      name !== 'proba'
        ? 'is unknown; the one parameter is proba'
        : value !== 'true' && value !== 'false'
          ? `is ${JSON.stringify(value)}; expected true or false`
          : undefined;
    if (message !== undefined) throw new VitrinaError('request-invalid', { problems: [{ path: name, message }] });
  }
  return (query as { proba?: string }).proba === 'true';
}

/** The artefact's bytes. Their type is theirs to tell; what plainly holds something else is not read. */
function uploadOf(request: FastifyRequest, limit: number): AsyncIterable<Uint8Array> {
  const type = request.headers['content-type'] ?? 'application/octet-stream';
  if (!/^\s*application\//i.test(type)) throw unreadable(request, 'the bytes of the file, as application/octet-stream');
  if (Number(request.headers['content-length']) > limit) throw new VitrinaError('artefact-too-large', { limit });
  return request.raw.iterator({ destroyOnReturn: false });
}

function unreadable(request: FastifyRequest, expected: string): VitrinaError {
  return new VitrinaError('body-media-type', { type: (request.headers['content-type'] ?? '').slice(0, 100), expected });
}
