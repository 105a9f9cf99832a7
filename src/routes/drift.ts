import type { FastifyInstance } from 'fastify';
import { VitrinaError } from '../errors.js';
import { principalOf } from '../plugins/auth.js';
import type { Accounts } from '../services/accounts/index.js';
import type { Drift } from '../services/drift/drift.js';
import { profileRows } from '../services/drift/profile-builder.js';
import { readReference } from '../services/drift/reference-rows.js';
import type { ModelRepository } from '../services/repository/model-repository.js';

type Model = { Params: { name: string }; Querystring: { version?: unknown } };
type Version = { Params: { name: string; version: string } };

/** Whether inputs and predictions are still distributed as they were, and the profile that this is told by. */
export async function driftRoutes(
  app: FastifyInstance,
  { drift, models, accounts }: { drift: Drift; models: ModelRepository; accounts: Accounts },
): Promise<void> {
  const tags = ['observability'];
  const reading = { scopes: ['models:read'] as const };
  const writing = { scopes: ['models:write'] as const };
  const path = '/models/:name/versions/:version/profile';
  app.addContentTypeParser('text/csv', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.get<Model>(
    '/models/:name/drift',
    {
      config: reading,
      schema: {
        summary: 'How far inputs and predictions are from their reference profile, feature by feature',
        tags,
        querystring: { type: 'object', properties: { version: { type: 'string' } } },
      },
    },
    ({ params: { name }, query: { version } }) => drift.view(name, typeof version === 'string' ? version : undefined),
  );

  app.get<Version>(
    path,
    { config: reading, schema: { summary: 'The reference profile of a version', tags } },
    ({ params: { name, version } }) => drift.profile(name, version),
  );

  app.put<Version>(
    path,
    {
      config: writing,
      schema: {
        summary: 'Make the reference profile of a version from rows, in CSV or as they are predicted in JSON',
        consumes: ['text/csv', 'application/json'],
        tags,
      },
    },
    async (request, reply) => {
      const { name, version } = request.params;
      const ready = await models.acquire(name, version);
      const type = request.headers['content-type'] ?? '';
      if (!Buffer.isBuffer(request.body) && !/^application\/(.+\+)?json\b/i.test(type)) {
        throw new VitrinaError('body-media-type', {
          type: type.slice(0, 80),
          expected: 'text/csv or application/json',
        });
      }
      const profile = await profileRows(ready, readReference(ready.signature, request.body));
      await drift.put(profile);
      await accounts.record(principalOf(request), 'model.profile', `model:${name}/${version}`);
      return reply.status(201).send(profile);
    },
  );

  app.delete<Version>(
    path,
    { config: writing, schema: { summary: 'Forget the reference profile of a version', tags } },
    async (request, reply) => {
      const { name, version } = request.params;
      await drift.remove(name, version);
      await accounts.record(principalOf(request), 'model.profile-delete', `model:${name}/${version}`);
      return reply.status(204).send();
    },
  );
}
