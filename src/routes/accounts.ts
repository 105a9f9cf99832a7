import formbody from '@fastify/formbody';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { principalOf } from '../plugins/auth.js';
import { type Accounts, parseExpiry, viewKey, viewUser } from '../services/accounts/index.js';

const tags = ['accounts'];
/** More than the longest name and password, escaped throughout, would take. */
const bodyLimit = 16 * 1024;
const closed = { additionalProperties: false };

const nullable = <T extends ReturnType<typeof Type.String>>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: 'date-time' });
const Name = Type.String({ minLength: 1, maxLength: 128, examples: ['ana'] });
const Password = Type.String({ minLength: 1, maxLength: 1024, examples: ['correct horse battery staple'] });
const UserId = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$', description: 'Number of the user' }) });
const KeyId = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{16}$', description: 'Public half of the key' }) });

const Credentials = Type.Object(
  {
    username: Name,
    password: Password,
    grant_type: Type.Optional(Type.Literal('password')),
    scope: Type.Optional(Type.String()),
    client_id: Type.Optional(Type.String()),
    client_secret: Type.Optional(Type.String()),
  },
  closed,
);
const Token = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('bearer'),
  expires_in: Type.Integer({ description: 'Seconds' }),
});
const Role = Type.Union([Type.Literal('user'), Type.Literal('admin')]);
const UserView = Type.Object({
  id: Type.Integer(),
  username: Type.String(),
  role: Role,
  disabledAt: nullable(Time),
  hasPassword: Type.Boolean(),
  createdAt: Time,
});
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
});
const NewKeyView = Type.Intersect([KeyView, Type.Object({ key: Type.String({ description: 'Shown this once' }) })]);
const Nothing = Type.Null({ description: 'Done' });

/**
 * Logging in, who am I, and the administration of users and keys. Thin: what may be done is decided by `Accounts`.
 */
export async function accountRoutes(instance: FastifyInstance, { accounts }: { accounts: Accounts }): Promise<void> {
  // A scope of its own: the form of OAuth2 is understood here and nowhere else.
  await instance.register(formbody, { bodyLimit });
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const users = { scopes: ['users'] };
  const keys = { scopes: ['keys'] };

  app.post(
    '/auth/token',
    {
      config: { public: true },
      bodyLimit,
      schema: {
        tags,
        summary: 'Log in: a name and a password for an access token',
        description: 'Takes JSON, or the form of the OAuth2 password grant.',
        consumes: ['application/json', 'application/x-www-form-urlencoded'],
        body: Credentials,
        response: { 200: Token },
      },
    },
    async (request, reply) => {
      const { username, password } = request.body;
      const login = await accounts.login({ username, password, address: request.ip });
      reply.header('cache-control', 'no-store');
      return { access_token: login.accessToken, token_type: 'bearer' as const, expires_in: login.expiresIn };
    },
  );

  app.get('/users/me', { schema: { tags, summary: 'Who am I', response: { 200: UserView } } }, async (request) =>
    viewUser(await accounts.findUser(principalOf(request).userId)),
  );

  const Page = Type.Object(
    {
      after: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$', description: 'Number of the last user seen' })),
      limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,2}|1000)$', description: '1 to 1000, default 100' })),
    },
    closed,
  );
  app.get(
    '/users',
    {
      config: users,
      schema: {
        tags,
        summary: 'List the users',
        querystring: Page,
        response: { 200: Type.Object({ users: Type.Array(UserView) }) },
      },
    },
    async (request) => {
      const { after = '0', limit = '100' } = request.query;
      const page = { after: Number(after), limit: Number(limit) };
      return { users: (await accounts.listUsers(principalOf(request), page)).map(viewUser) };
    },
  );

  app.post(
    '/users',
    {
      config: users,
      bodyLimit,
      schema: {
        tags,
        summary: 'Create a user',
        body: Type.Object({ username: Name, password: Password, role: Type.Optional(Role) }, closed),
        response: { 201: UserView },
      },
    },
    async (request, reply) => {
      reply.status(201);
      return viewUser(await accounts.createUser(request.body, principalOf(request)));
    },
  );

  app.delete(
    '/users/:id',
    { config: users, schema: { tags, summary: 'Remove a user', params: UserId, response: { 204: Nothing } } },
    async (request, reply) => {
      await accounts.deleteUser(Number(request.params.id), principalOf(request));
      return reply.status(204).send(null);
    },
  );

  app.post(
    '/users/:id/password',
    {
      config: users,
      bodyLimit,
      schema: {
        tags,
        summary: 'Set a password; ends the access tokens issued before',
        params: UserId,
        body: Type.Object({ password: Password }, closed),
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      await accounts.setPassword(Number(request.params.id), request.body.password, principalOf(request));
      return reply.status(204).send(null);
    },
  );

  app.get(
    '/keys',
    {
      config: keys,
      schema: { tags, summary: 'List the API keys', response: { 200: Type.Object({ keys: Type.Array(KeyView) }) } },
    },
    async (request) => ({ keys: (await accounts.listKeys(principalOf(request))).map(viewKey) }),
  );

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
    },
    closed,
  );
  app.post(
    '/keys',
    {
      config: keys,
      bodyLimit,
      schema: { tags, summary: 'Create an API key', body: NewKey, response: { 201: NewKeyView } },
    },
    async (request, reply) => {
      const { expiresAt, ...body } = request.body;
      const actor = principalOf(request);
      const key = await accounts.createKey(
        {
          userId: actor.userId,
          ...body,
          expiresAt: expiresAt === undefined ? null : parseExpiry(expiresAt, Date.now()),
        },
        actor,
      );
      reply.status(201).header('cache-control', 'no-store');
      return { ...viewKey(key), key: key.key };
    },
  );

  app.delete(
    '/keys/:id',
    { config: keys, schema: { tags, summary: 'Revoke an API key', params: KeyId, response: { 204: Nothing } } },
    async (request, reply) => {
      await accounts.revokeKey(request.params.id, principalOf(request));
      return reply.status(204).send(null);
    },
  );
}
