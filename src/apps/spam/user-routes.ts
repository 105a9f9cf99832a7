import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { type Platform, type Profile, principalOf, type User, VitrinaError } from '../../index.js';
import { readDocumentNumber } from './document-number.js';
import { localStage } from './environment.js';
import { refusals, UserId, UserIn, UserOut, UserPage } from './schemas.js';
import type { SpamSettings } from './settings.js';

/** Registering, and who is there. */
export async function userRoutes(
  scope: FastifyInstance,
  { platform, settings }: { platform: Platform; settings: SpamSettings },
): Promise<void> {
  const { accounts, openRegistration } = platform;

  scope.post<{ Body: Static<typeof UserIn> }>(
    '/users/register/',
    {
      config: openRegistration ? { public: true } : { scopes: ['users'] },
      bodyLimit: 16_384,
      schema: {
        operationId: 'register',
        summary: openRegistration ? 'Make a user of one’s own' : 'Make a user (superusers only)',
        body: UserIn,
        response: { 201: UserOut, ...(openRegistration ? { 422: refusals[422] } : refusals) },
      },
    },
    async ({ body, ip, principal }, reply) => {
      const { username, password } = body;
      const profile = readProfile(body, settings['app-env'] !== localStage);
      try {
        const user = { username, password, passwordMinimum: 6, profile };
        const { id } = await (principal === null
          ? accounts.users.register({ ...user, address: ip })
          : accounts.users.create(user, principal));
        reply.status(201);
        return viewProfile(await accounts.users.findProfile(id));
      } catch (error) {
        throw isTaken(error)
          ? new VitrinaError('registration-refused', { why: error.message.replace(/\.$/, '') })
          : error;
      }
    },
  );

  scope.get(
    '/users/whoami',
    {
      schema: {
        operationId: 'whoami',
        summary: 'Who am I',
        response: { 200: UserOut, ...refusals },
      },
    },
    async (request) => {
      const { userId } = principalOf(request);
      const profile = await accounts.users.profileOf(userId);
      return profile === undefined ? viewUser(await accounts.users.find(userId)) : viewProfile(profile);
    },
  );

  const superuser = { scopes: ['users'] };
  scope.get<{ Querystring: Static<typeof UserPage> }>(
    '/users/',
    {
      config: superuser,
      schema: {
        operationId: 'list_users',
        summary: 'The registered users',
        querystring: UserPage,
        response: { 200: { type: 'array', items: UserOut }, ...refusals },
      },
    },
    async (request) => {
      const { skip = '0', limit = '100' } = request.query;
      const page = { skip: Number(skip), limit: Number(limit) };
      return (await accounts.users.listProfiles(principalOf(request), page)).map(viewProfile);
    },
  );
  scope.get<{ Params: Static<typeof UserId> }>(
    '/users/:id',
    {
      config: superuser,
      schema: {
        operationId: 'get_user',
        summary: 'One registered user',
        params: UserId,
        response: { 200: UserOut, ...refusals },
      },
    },
    async ({ params }) => viewProfile(await accounts.users.findProfile(Number(params.id))),
  );
}

/** Errors: `full-name-incomplete`, `document-number-invalid`. */
function readProfile(body: Static<typeof UserIn>, verified: boolean) {
  const fullName = body.full_name.trim().replace(/\s+/g, ' ');
  if (!fullName.includes(' ')) throw new VitrinaError('full-name-incomplete', {});
  const documentNumber = readDocumentNumber(body.document_number, verified);
  if (documentNumber === undefined) throw new VitrinaError('document-number-invalid', {});
  return { email: body.email, fullName, documentNumber, phone: body.phone ?? null };
}

function isTaken(error: unknown): error is VitrinaError {
  return error instanceof VitrinaError && ['username-taken', 'email-taken', 'document-taken'].includes(error.code);
}

const viewProfile = (profile: Profile): Static<typeof UserOut> => ({
  id: profile.userId,
  email: profile.email,
  full_name: profile.fullName,
  document_number: profile.documentNumber,
  username: profile.username,
  phone: profile.phone,
  created_at: new Date(profile.createdAt).toISOString(),
});

/** A user who was not registered here. */
const viewUser = ({ id, username, createdAt }: User): Static<typeof UserOut> => ({
  id,
  email: null,
  full_name: null,
  document_number: null,
  username,
  phone: null,
  created_at: new Date(createdAt).toISOString(),
});
