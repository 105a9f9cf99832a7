import type { FastifyInstance, FastifyReply } from 'fastify';
import { VitrinaError } from '../errors.js';
import type { ModelRepository, VersionEntry } from '../services/repository/model-repository.js';
import { viewModel, viewVersion } from '../services/repository/model-view.js';
import { etagOf, isKnown } from './model-conditions.js';

const nameParams = { type: 'object', properties: { name: { type: 'string', description: 'Name of the model' } } };

/** What is served: names, versions, signatures, provenance, placement. */
export async function modelRoutes(app: FastifyInstance, { models }: { models: ModelRepository }): Promise<void> {
  const config = { scopes: ['models:read'] as const };
  const tags = ['models'];

  app.get('/models', { config, schema: { summary: 'List the models', tags } }, () => ({
    models: models.names().map((name) => viewModel(models, name)),
  }));

  app.get<{ Params: { name: string } }>(
    '/models/:name',
    { config, schema: { summary: 'Describe a model', tags, params: nameParams } },
    ({ params: { name }, headers }, reply) => {
      const view = viewModel(models, name);
      const answering = models.versions(name).find(({ version }) => version === view.version);
      return conditional(reply, headers, answering, view);
    },
  );

  app.get<{ Params: { name: string; version: string } }>(
    '/models/:name/versions/:version',
    { config, schema: { summary: 'Describe one version', tags, params: nameParams } },
    ({ params: { name, version }, headers }, reply) => {
      const versions = models.versions(name);
      const entry = versions.find((candidate) => candidate.version === version);
      if (entry !== undefined) return conditional(reply, headers, entry, viewVersion(entry));
      const known = versions.map((candidate) => candidate.version);
      throw new VitrinaError('version-not-found', { model: name, version, known });
    },
  );
}

/** Sends `view` under the ETag of `entry`, unless the caller knows it and it still answers. */
function conditional(
  reply: FastifyReply,
  headers: { readonly 'if-none-match'?: string | undefined },
  entry: VersionEntry | undefined,
  view: unknown,
): FastifyReply {
  const sha256 = entry === undefined ? undefined : sha256Of(entry);
  if (sha256 === undefined) return reply.send(view);
  reply.headers({ etag: etagOf(sha256), 'cache-control': 'no-cache' });
  return isKnown(headers, sha256) ? reply.status(304).send() : reply.send(view);
}

function sha256Of({ state }: VersionEntry): string | undefined {
  if (state.status === 'ready') return state.ready.sha256;
  return state.status === 'unloaded' ? state.card?.sha256 : undefined;
}
