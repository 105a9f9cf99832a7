import formbody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import { type Login, type Platform, principalOf, VitrinaError } from '../../index.js';
import { Credentials, Message, type Refresh, refusals, Tokens } from './schemas.js';

const bodyLimit = 16_384;
const consumes = ['application/x-www-form-urlencoded', 'application/json'];

/** Logging in, staying so, and logging out. */
export async function loginRoutes(scope: FastifyInstance, { platform }: { platform: Platform }): Promise<void> {
  const { accounts } = platform;
  await scope.register(formbody, { bodyLimit });
  const open = { config: { public: true }, bodyLimit };

  scope.post<{ Body: Static<typeof Credentials> }>(
    '/login/',
    {
      ...open,
      schema: {
        operationId: 'login',
        summary: 'Log in',
        description: 'As the OAuth2 password form, or as JSON.',
        consumes,
        body: Credentials,
        response: { 200: Tokens, 401: refusals[401], 422: refusals[422] },
      },
    },
    async ({ body: { username, password, scope: asked }, ip }, reply) =>
      answer(reply, await accounts.login({ username, password, address: ip, scope: asked })),
  );

  scope.post<{ Body: Static<typeof Refresh> | undefined }>(
    '/login/refresh',
    {
      ...open,
      schema: {
        operationId: 'refresh',
        summary: 'A refresh token for the next pair',
        description:
          'In the body, or as the bearer token. One that is shown again ends the login that it goes back to.',
        consumes,
        response: { 200: Tokens, 401: refusals[401], 422: refusals[422] },
      },
      // A client that shows it as a bearer token sends no body.
      preValidation: (request, _reply, done) => {
        request.body ??= {};
        done();
      },
    },
    async ({ body, headers: { authorization } }, reply) => {
      const given = body?.refresh_token ?? /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
      if (typeof given === 'string') return answer(reply, await accounts.refresh(given));
      const problems = [{ path: 'refresh_token', message: 'is missing' }];
      throw new VitrinaError('request-invalid', { problems });
    },
  );

  scope.post(
    '/login/logout',
    {
      schema: {
        operationId: 'logout',
        summary: 'End this login, its refresh tokens included',
        response: { 204: { type: 'null' }, ...refusals },
      },
    },
    async (request, reply) => {
      await accounts.logout(principalOf(request));
      return reply.status(204).send();
    },
  );

  scope.post(
    '/login/test_token',
    {
      config: { scopes: ['test_token'] },
      schema: { operationId: 'test_token', summary: 'Is this token valid?', response: { 200: Message, ...refusals } },
    },
    () => ({ message: 'valid token' }),
  );
}

function answer(reply: FastifyReply, login: Login): Static<typeof Tokens> {
  // Answers with tokens are secrets, also to whoever caches.
  reply.header('cache-control', 'no-store');
  return {
    access_token: login.accessToken,
    token_type: 'bearer',
    refresh_token: login.refreshToken,
    expires_in: login.expiresIn,
  };
}
