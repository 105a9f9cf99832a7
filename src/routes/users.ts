import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { principalOf } from '../plugins/auth.js';
import { type Accounts, viewUser } from '../services/accounts/index.js';
import {
  accountBodyLimit as bodyLimit,
  closed,
  Name,
  Nothing,
  Password,
  Role,
  tags,
  UserView,
} from './account-schemas.js';

const UserId = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$', description: 'Number of the user' }) });
const Page = Type.Object(
  {
    after: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$', description: 'Number of the last user seen' })),
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,2}|1000)$', description: '1 to 1000, default 100' })),
  },
  closed,
);

/** The administration of users. Thin: what may be done is decided by `Accounts`. */
export async function userRoutes(instance: FastifyInstance, { accounts }: { accounts: Accounts }): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const config = { scopes: ['users'] };

  app.get(
    '/users',
    {
      config,
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
      return { users: (await accounts.users.list(principalOf(request), page)).map(viewUser) };
    },
  );

  app.post(
    '/users',
    {
      config,
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
      return viewUser(await accounts.users.create(request.body, principalOf(request)));
    },
  );

  app.get(
    '/users/:id',
    { config, schema: { tags, summary: 'One user', params: UserId, response: { 200: UserView } } },
    async ({ params }) => viewUser(await accounts.users.find(Number(params.id))),
  );

  app.patch(
    '/users/:id',
    {
      config,
      bodyLimit,
      schema: {
        tags,
        summary: 'Give a user another role, close the account, or open it again',
        description: 'Closing an account ends its logins and its keys; opening it again brings back the keys.',
        params: UserId,
        body: Type.Object(
          { role: Type.Optional(Role), disabled: Type.Optional(Type.Boolean()) },
          { ...closed, minProperties: 1, examples: [{ role: 'maintainer' }] },
        ),
        response: { 200: UserView },
      },
    },
    async (request) => {
      const id = Number(request.params.id);
      const actor = principalOf(request);
      const { role, disabled } = request.body;
      if (role !== undefined) await accounts.users.setRole(id, role, actor);
      if (disabled !== undefined) await accounts.users.setDisabled(id, disabled, actor);
      return viewUser(await accounts.users.find(id));
    },
  );

  app.delete(
    '/users/:id',
    { config, schema: { tags, summary: 'Remove a user', params: UserId, response: { 204: Nothing } } },
    async (request, reply) => {
      await accounts.users.delete(Number(request.params.id), principalOf(request));
      return reply.status(204).send(null);
    },
  );

  app.post(
    '/users/:id/password',
    {
      config,
      bodyLimit,
      schema: {
        tags,
        summary: 'Set a password; ends the logins of that user',
        params: UserId,
        body: Type.Object({ password: Password }, closed),
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      await accounts.users.setPassword(Number(request.params.id), request.body.password, principalOf(request));
      return reply.status(204).send(null);
    },
  );

  app.post(
    '/users/:id/logout',
    {
      config,
      schema: { tags, summary: 'End every login of a user; keys stay', params: UserId, response: { 204: Nothing } },
    },
    async (request, reply) => {
      await accounts.users.endLogins(Number(request.params.id), principalOf(request));
      return reply.status(204).send(null);
    },
  );
}
