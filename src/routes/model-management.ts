import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { VitrinaError } from '../errors.js';
import { principalOf } from '../plugins/auth.js';
import type { Accounts } from '../services/accounts/index.js';
import type { ModelRepository } from '../services/repository/model-repository.js';
import { viewModel, viewVersion } from '../services/repository/model-view.js';
import { isModelName } from '../services/repository/model-yaml.js';
import { receiveUpload } from '../services/repository/receive-upload.js';
import { isVersion } from '../services/repository/repository-scan.js';
import { checkConditions, etagOf } from './model-conditions.js';

interface Named {
  Params: { name: string; version?: string };
  Querystring: { default?: string };
}

const nameParam = { name: { type: 'string', description: 'Name of the model' } };
const versionParam = { version: { type: 'string', description: 'Number of the version' } };
const params = { type: 'object', properties: { ...nameParam, ...versionParam } };
const tags = ['models'];

const uploadSchema = {
  tags,
  querystring: {
    type: 'object',
    properties: {
      default: { type: 'string', enum: ['true', 'false'], description: 'Whether it answers where no version is named' },
    },
  },
  body: {
    content: {
      'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
      'multipart/form-data': {
        schema: {
          type: 'object',
          properties: {
            artefact: { type: 'string', format: 'binary' },
            golden: { type: 'string', description: 'A golden file, which the version has to meet' },
            'model.yaml': { type: 'string', description: 'Settings of the version' },
          },
          required: ['artefact'],
        },
      },
    },
  },
};

/** Puts, deletes and chooses versions of models. Uploads stream to the disk; nothing answers before it has proved itself. */
export async function modelManagementRoutes(
  app: FastifyInstance,
  { models, accounts, uploadLimit }: { models: ModelRepository; accounts: Accounts; uploadLimit: number },
): Promise<void> {
  // What an artefact is, its bytes tell; they are read as they come.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const config = { scopes: ['models:write'] as const };
  const uploading = { ...config, slowBody: true };

  const record = (request: FastifyRequest, act: string, name: string, version?: string, details = {}) => {
    const subject = version === undefined ? `model:${name}` : `model:${name}/${version}`;
    return accounts.record(principalOf(request), act, subject, details);
  };

  const put = async (request: FastifyRequest<Named>, reply: FastifyReply) => {
    const { name, version } = namesOf(request);
    const activate = readDefault(request);
    const conditions = request.headers;
    const draft = await receiveUpload(models.store, {
      headers: request.headers,
      stream: request.raw.iterator({ destroyOnReturn: false }),
      limit: uploadLimit,
    }).finally(() => request.raw.resume());
    try {
      const checks = { digests: checkConditions(conditions, version) };
      const installed = await models.install(name, draft, { version, activate, alone: false, checks });
      request.log.info({ model: name, version: installed.version, sha256: draft.sha256 }, 'A version was put.');
      await record(request, 'model.put', name, installed.version, { sha256: draft.sha256 });
      const entry = models.versions(name).find((one) => one.version === installed.version);
      return reply
        .status(installed.created ? 201 : 200)
        .headers({
          etag: etagOf(draft.sha256),
          location: `/models/${name}/versions/${installed.version}`,
        })
        .send(entry === undefined ? { model: name, version: installed.version } : viewVersion(entry));
    } finally {
      models.store.discard(draft.folder);
    }
  };

  const accept = { config: uploading, validatorCompiler: () => () => true };
  app.put<Named>(
    '/models/:name/versions/:version',
    { ...accept, schema: { ...uploadSchema, params, summary: 'Put an artefact as a version of a model' } },
    put,
  );
  app.put<Named>(
    '/models/:name',
    { ...accept, schema: { ...uploadSchema, params, summary: 'Put an artefact as the next version of a model' } },
    put,
  );

  app.delete<Named>(
    '/models/:name/versions/:version',
    { config, schema: { tags, params, summary: 'Delete a version' } },
    async (request, reply) => {
      const { name, version } = namesOf(request);
      await models.removeVersion(name, version!, { digests: checkConditions(request.headers, version) });
      request.log.info({ model: name, version }, 'A version was deleted.');
      await record(request, 'model.delete', name, version);
      return reply.status(204).send();
    },
  );

  app.delete<Named>(
    '/models/:name',
    { config, schema: { tags, params, summary: 'Delete a model with every version' } },
    async (request, reply) => {
      const { name } = namesOf(request);
      await models.removeModel(name, { digests: checkConditions(request.headers, undefined) });
      request.log.info({ model: name }, 'A model was deleted.');
      await record(request, 'model.delete', name);
      return reply.status(204).send();
    },
  );

  app.post<Named>(
    '/models/:name/versions/:version/default',
    { config, schema: { tags, params, summary: 'Have a version answer where none is named' } },
    async (request) => {
      const { name, version } = namesOf(request);
      await models.setDefault(name, version!, { digests: checkConditions(request.headers, version) });
      request.log.info({ model: name, version }, 'A version was made the default.');
      await record(request, 'model.default', name, version);
      return viewModel(models, name);
    },
  );
}

/** Errors: `request-invalid` for what cannot be a model's name or a version's number. */
function namesOf({ params: { name, version } }: FastifyRequest<Named>): { name: string; version: string | undefined } {
  const problems = [];
  if (!isModelName(name)) {
    const message =
      'cannot be a model’s name: use letters, digits, "_", "-" and ".", 128 at most, the first no "-" or "."';
    problems.push({ path: 'name', message });
  }
  if (version !== undefined && !isVersion(version)) {
    problems.push({ path: 'version', message: 'is no version: they are whole numbers from 1 to 999999999' });
  }
  if (problems.length > 0) throw new VitrinaError('request-invalid', { problems });
  return { name, version };
}

function readDefault({ query }: FastifyRequest<Named>): boolean {
  const { default: asked = 'true', ...unknown } = query as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  const message =
    stranger !== undefined
      ? 'is unknown; the one parameter is default'
      : asked !== 'true' && asked !== 'false'
        ? `is ${JSON.stringify(asked)}; expected true or false`
        : undefined;
  if (message === undefined) return asked === 'true';
  throw new VitrinaError('request-invalid', { problems: [{ path: stranger ?? 'default', message }] });
}
