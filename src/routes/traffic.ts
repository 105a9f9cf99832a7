import type { FastifyInstance } from 'fastify';
import { principalOf } from '../plugins/auth.js';
import type { Accounts } from '../services/accounts/index.js';
import { readPolicy } from '../services/traffic/policy.js';
import type { Traffic } from '../services/traffic/traffic.js';

type Params = { Params: { name: string } };

const share = { type: 'number', minimum: 0, maximum: 1 };
const version = { type: 'string', description: 'Number of a version, other than the default' };
const body = {
  type: 'object',
  properties: {
    canary: {
      type: 'object',
      description: 'A share of the requests that name no version goes to this one in place of the default.',
      properties: { version, weight: share },
      required: ['version', 'weight'],
    },
    sticky: { type: 'string', description: 'Header whose value keeps a caller with one version.' },
    shadow: {
      type: 'object',
      description: 'Computes a copy of a share of the requests, for comparison alone.',
      properties: {
        version,
        fraction: { ...share, default: 1 },
        tolerance: { type: 'number', minimum: 0, default: 1e-6 },
      },
      required: ['version'],
    },
  },
  examples: [{ canary: { version: '3', weight: 0.1 }, sticky: 'X-User-Id', shadow: { version: '4', fraction: 0.5 } }],
};

/** How the requests of a model are spread over its versions. */
export async function trafficRoutes(
  app: FastifyInstance,
  { traffic, accounts }: { traffic: Traffic; accounts: Accounts },
): Promise<void> {
  const tags = ['models'];
  const params = { type: 'object', properties: { name: { type: 'string', description: 'Name of the model' } } };
  // The schema documents; `readPolicy` checks, with texts that say what to do.
  const documented = { attachValidation: true };

  app.get<Params>(
    '/models/:name/traffic',
    {
      config: { scopes: ['models:read'] as const },
      schema: { summary: 'The traffic policy of a model, and what has come of it', tags, params },
    },
    ({ params: { name } }) => traffic.view(name),
  );

  app.put<Params>(
    '/models/:name/traffic',
    {
      ...documented,
      config: { scopes: ['models:write'] as const },
      schema: { summary: 'Split or copy the traffic of a model between versions', tags, params, body },
    },
    async (request) => {
      const { name } = request.params;
      const policy = readPolicy(request.body);
      await traffic.put(name, policy);
      await accounts.record(principalOf(request), 'model.traffic', `model:${name}`, { policy });
      return traffic.view(name);
    },
  );

  app.delete<Params>(
    '/models/:name/traffic',
    {
      config: { scopes: ['models:write'] as const },
      schema: { summary: 'Send all traffic of a model to its default version again', tags, params },
    },
    async (request, reply) => {
      const { name } = request.params;
      await traffic.remove(name);
      await accounts.record(principalOf(request), 'model.traffic', `model:${name}`, { policy: null });
      return reply.status(204).send();
    },
  );
}
