import formbody from '@fastify/formbody';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { VitrinaError } from '../errors.js';
import { principalOf } from '../plugins/auth.js';
import { type Accounts, type Login, viewUser } from '../services/accounts/index.js';
import { accountBodyLimit as bodyLimit, closed, Name, Nothing, Password, tags, UserView } from './account-schemas.js';

const RefreshToken = Type.String({ minLength: 1, maxLength: 200 });
const Grant = Type.Object(
  {
    grant_type: Type.Optional(Type.Union([Type.Literal('password'), Type.Literal('refresh_token')])),
    username: Type.Optional(Name),
    password: Type.Optional(Password),
    refresh_token: Type.Optional(RefreshToken),
    scope: Type.Optional(
      Type.String({ maxLength: 1024, description: 'Scopes asked for, separated by spaces; yours unless given' }),
    ),
    client_id: Type.Optional(Type.String()),
    client_secret: Type.Optional(Type.String()),
  },
  { ...closed, examples: [{ username: 'ana', password: 'correct horse battery staple' }] },
);
const Tokens = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('bearer'),
  expires_in: Type.Integer({ description: 'Seconds' }),
  refresh_token: Type.String({ description: 'Works once, for the next pair' }),
  scope: Type.String(),
});

/** Logging in, and what one does to one's own login. Thin: what may be done is decided by `Accounts`. */
export async function authRoutes(
  instance: FastifyInstance,
  { accounts, openRegistration }: { accounts: Accounts; openRegistration: boolean },
): Promise<void> {
  // A scope of its own: the form of OAuth2 is understood here and nowhere else.
  await instance.register(formbody, { bodyLimit });
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();

  app.post(
    '/auth/token',
    {
      config: { public: true },
      bodyLimit,
      schema: {
        tags,
        summary: 'Log in: a name and a password, or a refresh token, for a pair of tokens',
        description: 'Takes JSON, or the forms of the OAuth2 grants password and refresh_token.',
        consumes: ['application/json', 'application/x-www-form-urlencoded'],
        body: Grant,
        response: { 200: Tokens },
      },
    },
    async ({ body, ip }, reply) => {
      const { grant_type: grant = body.refresh_token === undefined ? 'password' : 'refresh_token' } = body;
      if (grant === 'refresh_token') return answer(reply, await accounts.refresh(required(body, 'refresh_token')));
      const username = required(body, 'username');
      const password = required(body, 'password');
      return answer(reply, await accounts.login({ username, password, address: ip, scope: body.scope }));
    },
  );

  app.post(
    '/auth/refresh',
    {
      config: { public: true },
      bodyLimit,
      schema: {
        tags,
        summary: 'A refresh token for the next pair of tokens',
        description: 'A refresh token works once. One that is shown again ends the login that it goes back to.',
        body: Type.Object({ refresh_token: RefreshToken }, closed),
        response: { 200: Tokens },
      },
    },
    async ({ body }, reply) => answer(reply, await accounts.refresh(body.refresh_token)),
  );

  app.post(
    '/auth/logout',
    { schema: { tags, summary: 'End this login, its refresh tokens included', response: { 204: Nothing } } },
    async (request, reply) => {
      await accounts.logout(principalOf(request));
      return reply.status(204).send(null);
    },
  );

  if (openRegistration) {
    app.post(
      '/auth/register',
      {
        config: { public: true },
        bodyLimit,
        schema: {
          tags,
          summary: 'Make a user of one’s own',
          body: Type.Object({ username: Name, password: Password }, closed),
          response: { 201: UserView },
        },
      },
      async ({ body, ip }, reply) => {
        reply.status(201);
        return viewUser(await accounts.users.register({ ...body, address: ip }));
      },
    );
  }

  app.get('/users/me', { schema: { tags, summary: 'Who am I', response: { 200: UserView } } }, async (request) =>
    viewUser(await accounts.users.find(principalOf(request).userId)),
  );

  app.post(
    '/users/me/password',
    {
      bodyLimit,
      schema: {
        tags,
        summary: 'Change one’s own password; ends every login, this one included',
        body: Type.Object({ current_password: Password, new_password: Password }, closed),
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const { current_password: current, new_password: next } = request.body;
      await accounts.users.changeOwnPassword(principalOf(request), { current, next, address: request.ip });
      return reply.status(204).send(null);
    },
  );
}

function answer(reply: FastifyReply, login: Login) {
  reply.header('cache-control', 'no-store');
  return {
    access_token: login.accessToken,
    token_type: 'bearer' as const,
    expires_in: login.expiresIn,
    refresh_token: login.refreshToken,
    scope: login.scopes.join(' '),
  };
}

/** @throws VitrinaError `request-invalid` */
function required<K extends 'username' | 'password' | 'refresh_token'>(body: { [N in K]?: string }, name: K): string {
  const value: string | undefined = body[name];
  if (value !== undefined) return value;
  throw new VitrinaError('request-invalid', { problems: [{ path: name, message: 'is missing' }] });
}
