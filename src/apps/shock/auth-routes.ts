import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { type Platform, VitrinaError } from '../../index.js';
import { credentials, tokenRequest, tokenResponse } from './schemas.js';
import type { ShockSettings } from './settings.js';

/** Bytes of a name and a password. */
const bodyLimit = 16_384;

/** `/auth/create_user` and `/auth/token`: the platform's accounts, in the form that the original's clients know. */
export function authRoutes(
  scope: FastifyInstance,
  { accounts, openRegistration }: Platform,
  settings: ShockSettings,
): void {
  const { registration = openRegistration ? 'open' : 'admin' } = settings;
  scope.post<{ Body: Static<typeof credentials> }>(
    '/auth/create_user',
    {
      config: registration === 'open' ? { public: true } : { scopes: ['users'] },
      bodyLimit,
      schema: {
        summary: registration === 'open' ? 'Create a user' : 'Create a user (admins only)',
        body: credentials,
        response: { 201: { description: 'Created', type: 'null' } },
      },
    },
    async ({ body, principal, ip }, reply) => {
      const user = { username: body.username, password: body.password };
      if (principal === null) await accounts.users.register({ ...user, address: ip });
      else await accounts.users.create(user, principal);
      return reply.status(201).send();
    },
  );

  scope.register(async (forms) => {
    forms.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit },
      (_request, body, done) => {
        try {
          done(null, readForm(body as string));
        } catch (error) {
          done(error as Error);
        }
      },
    );
    forms.post<{ Body: Static<typeof tokenRequest> }>(
      '/auth/token',
      {
        config: { public: true },
        bodyLimit,
        schema: {
          summary: 'Log in',
          description: 'As the OAuth2 password form, or as JSON.',
          consumes: ['application/x-www-form-urlencoded', 'application/json'],
          body: tokenRequest,
          response: { 200: tokenResponse },
        },
      },
      async ({ body, ip }, reply) => {
        // Answers of this route are secrets, also to whoever caches.
        reply.header('cache-control', 'no-store');
        try {
          const { accessToken } = await accounts.login({
            username: body.username,
            password: body.password,
            address: ip,
          });
          return { access_token: accessToken, token_type: 'bearer' as const };
        } catch (error) {
          if (error instanceof VitrinaError && error.status === 401) reply.header('www-authenticate', 'Bearer');
          throw error;
        }
      },
    );
  });
}

/** The fields of a form; one that comes twice is refused, since two readers could take different ones. */
function readForm(text: string): Record<string, string> {
  const form: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in form) {
      const problems = [{ path: name, message: 'is given twice; send each field once' }];
      throw new VitrinaError('request-invalid', { problems });
    }
    form[name] = value;
  }
  return form;
}
