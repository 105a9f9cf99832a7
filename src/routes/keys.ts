import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { principalOf } from '../plugins/auth.js';
import { type Accounts, parseExpiry, viewKey } from '../services/accounts/index.js';
import { unlimited } from '../services/quotas/index.js';
import { accountBodyLimit as bodyLimit, closed, Limits, Nothing, nullable, Time, tags } from './account-schemas.js';

const KeyId = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{16}$', description: 'Public half of the key' }) });
const KeyView = Type.Object({
  id: Type.String(),
  userId: Type.Integer(),
  username: Type.String(),
  name: nullable(Type.String()),
  scopes: Type.Array(Type.String()),
  priority: Type.String(),
  expiresAt: nullable(Time),
  createdAt: Time,
  lastUsedAt: nullable(Time),
  revokedAt: nullable(Time),
  limits: Limits,
});
const NewKeyView = Type.Intersect([KeyView, Type.Object({ key: Type.String({ description: 'Shown this once' }) })]);
const NewKey = Type.Object(
  {
    userId: Type.Optional(Type.Integer({ minimum: 1, description: 'Whose rights the key carries; default: yours' })),
    name: Type.Optional(Type.String({ maxLength: 128, examples: ['ward 3'] })),
    scopes: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 32, examples: [['predict']] })),
    priority: Type.Optional(
      Type.String({
        maxLength: 40,
        description: 'high, normal or low: who goes first when requests wait; high needs the scope admin',
        examples: ['normal'],
      }),
    ),
    expiresAt: Type.Optional(
      Type.String({
        maxLength: 40,
        description: 'A time, or a length from now',
        examples: ['2030-01-31T00:00:00Z', '90d'],
      }),
    ),
    limits: Type.Optional(Limits),
  },
  closed,
);

/** The administration of API keys. Thin: what may be done is decided by `Accounts`. */
export async function keyRoutes(instance: FastifyInstance, { accounts }: { accounts: Accounts }): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const config = { scopes: ['keys'] };

  app.get(
    '/keys',
    {
      config,
      schema: { tags, summary: 'List the API keys', response: { 200: Type.Object({ keys: Type.Array(KeyView) }) } },
    },
    async (request) => ({ keys: (await accounts.keys.list(principalOf(request))).map(viewKey) }),
  );

  app.post(
    '/keys',
    {
      config,
      bodyLimit,
      schema: { tags, summary: 'Create an API key', body: NewKey, response: { 201: NewKeyView } },
    },
    async (request, reply) => {
      const { expiresAt, limits, ...body } = request.body;
      const actor = principalOf(request);
      const key = await accounts.keys.create(
        {
          userId: actor.userId,
          ...body,
          expiresAt: expiresAt === undefined ? null : parseExpiry(expiresAt, Date.now()),
          limits: { ...unlimited, ...limits },
        },
        actor,
      );
      reply.status(201).header('cache-control', 'no-store');
      return { ...viewKey(key), key: key.key };
    },
  );

  app.delete(
    '/keys/:id',
    { config, schema: { tags, summary: 'Revoke an API key', params: KeyId, response: { 204: Nothing } } },
    async (request, reply) => {
      await accounts.keys.revoke(request.params.id, principalOf(request));
      return reply.status(204).send(null);
    },
  );
}
