import type { FastifyInstance } from 'fastify';
import { VitrinaError } from '../errors.js';
import type { ModelRepository } from '../services/model-repository.js';
import { viewModel, viewVersion } from '../services/model-view.js';

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
    ({ params }) => viewModel(models, params.name),
  );

  app.get<{ Params: { name: string; version: string } }>(
    '/models/:name/versions/:version',
    { config, schema: { summary: 'Describe one version', tags, params: nameParams } },
    ({ params: { name, version } }) => {
      const versions = models.versions(name);
      const entry = versions.find((candidate) => candidate.version === version);
      if (entry !== undefined) return viewVersion(entry);
      const known = versions.map((candidate) => candidate.version);
      throw new VitrinaError('version-not-found', { model: name, version, known });
    },
  );
}
