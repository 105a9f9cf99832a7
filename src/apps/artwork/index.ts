import formbody from '@fastify/formbody';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { defineApp, type Platform, VitrinaError } from '../../index.js';
import { announceStart } from './announcement.js';
import { Callers } from './callers.js';
import { jobKinds } from './job-kinds.js';
import { PackageFolder } from './package-folder.js';
import { readReceiverBody } from './receiver-body.js';
import { Credentials, PackageBody, PackageJob, Received, Tokens } from './schemas.js';
import { readSettings } from './settings.js';
import { statusOf, viewPackage } from './views.js';
import { work } from './work.js';

/** Bytes of a posted package: ten thousand addresses, and the room that forms take. */
const bodyLimit = 32 * 2 ** 20;
const Id = Type.Object({ job_id: Type.String({ maxLength: 100 }) });

/**
 * Packages of images are processed in the background, and the caller is called back.
 *
 * Receiving writes one job and answers; all else is the worker's (`work.ts`).
 */
export default defineApp({
  name: 'artwork',
  title: 'artwork: background processing of image packages',
  description: 'Takes packages of images, checks and measures each image in the background, and calls back.',
  work,
  async register(scope, platform) {
    const settings = readSettings(platform.settings);
    const kinds = jobKinds(settings);
    const callers = new Callers(settings.token, platform.accounts);
    await scope.register(receiver, { platform, kinds, callers });
    await scope.register(jobPages, { platform, kinds, callers });
    await scope.register(loginRoutes, { platform });
    if (settings['announce-url'] !== undefined) scope.addHook('onListen', async () => announceStart(platform, kinds));
  },
});

interface Parts {
  readonly platform: Platform;
  readonly kinds: ReturnType<typeof jobKinds>;
  readonly callers: Callers;
}

async function receiver(scope: FastifyInstance, { platform, kinds, callers }: Parts): Promise<void> {
  // The three forms are read by one reader, which keeps the digits of numbers.
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  scope.post(
    '/receiver_no_training/',
    {
      config: { public: true },
      bodyLimit,
      schema: {
        operationId: 'receiver_no_training',
        summary: 'Take a package of images',
        description: 'As JSON, as a form, or as multipart/form-data. Needs the system token, raw or after "Bearer".',
        consumes: ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'],
        body: PackageBody,
        security: [{ bearer: [] }],
        response: { 200: Received },
      },
      validatorCompiler: () => () => true,
      onRequest: (request) => callers.admit(request),
    },
    async (request) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const posted = await readReceiverBody(request.headers['content-type'], body);
      const { id, state } = await platform.jobs.enqueue(
        kinds.noTrainingData,
        {
          ...posted,
          label: typeof posted.label === 'object' && posted.label !== null ? [...posted.label] : posted.label,
          arts_path: [...posted.arts_path],
        },
        {
          idempotencyKey: posted.ntd_transaction_id,
          ...(request.principal === null ? {} : { owner: request.principal.userId }),
        },
      );
      return {
        job_id: id,
        status: statusOf({ state }),
        no_transaction_id: posted.no_transaction_id,
        ntd_transaction_id: posted.ntd_transaction_id,
      };
    },
  );
}

/** What became of a package: the job's page, the manifest, the thumbnails. */
async function jobPages(scope: FastifyInstance, { platform, kinds, callers }: Parts): Promise<void> {
  const { jobDesk: desk, dataFolder } = platform;
  const find = async (id: string) => {
    const row = await desk.find(id);
    if (row.name !== kinds.noTrainingData.name) throw new VitrinaError('job-unknown', { job: JSON.stringify(id) });
    return row;
  };
  const options = { config: { public: true }, onRequest: callers.admit.bind(callers) };

  scope.get<{ Params: Static<typeof Id> }>(
    '/jobs/:job_id',
    {
      ...options,
      schema: {
        operationId: 'package_job',
        summary: 'State, progress, result, and every attempt to call back',
        security: [{ bearer: [] }],
        params: Id,
        response: { 200: PackageJob },
      },
    },
    async ({ params }) => {
      const row = await find(params.job_id);
      return viewPackage(row, await desk.listByKeyPrefix(kinds.callback.name, `${row.id}:`), desk);
    },
  );

  scope.get<{ Params: Static<typeof Id> }>(
    '/jobs/:job_id/manifest',
    {
      ...options,
      schema: {
        operationId: 'manifest',
        summary: 'Every image of the package',
        security: [{ bearer: [] }],
        params: Id,
      },
    },
    async ({ params }, reply) => {
      const row = await find(params.job_id);
      const manifest = await new PackageFolder(dataFolder, row.id).readManifest();
      if (manifest === undefined) throw new VitrinaError('job-result-missing', { job: row.id, state: statusOf(row) });
      return reply
        .type('application/json; charset=utf-8')
        .serializer((text: string) => text)
        .send(manifest);
    },
  );

  scope.get<{ Params: { job_id: string; file: string } }>(
    '/jobs/:job_id/thumbnails/:file',
    {
      ...options,
      schema: {
        operationId: 'thumbnail',
        summary: 'A thumbnail, by its path in the manifest',
        security: [{ bearer: [] }],
        params: Type.Object({
          job_id: Type.String({ maxLength: 100 }),
          file: Type.String({ pattern: '^\\d{1,9}\\.webp$' }),
        }),
      },
    },
    async ({ params }, reply) => {
      const row = await find(params.job_id);
      const thumbnail = await new PackageFolder(dataFolder, row.id).readThumbnail(Number.parseInt(params.file, 10));
      if (thumbnail === undefined) throw new VitrinaError('job-result-missing', { job: row.id, state: statusOf(row) });
      return reply.type('image/webp').send(thumbnail);
    },
  );
}

async function loginRoutes(scope: FastifyInstance, { platform }: Pick<Parts, 'platform'>): Promise<void> {
  await scope.register(formbody, { bodyLimit: 16_384 });
  scope.post<{ Body: Static<typeof Credentials> }>(
    '/token/',
    {
      config: { public: true },
      bodyLimit: 16_384,
      schema: {
        operationId: 'token',
        summary: 'A token for a user',
        consumes: ['application/json', 'application/x-www-form-urlencoded'],
        body: Credentials,
        response: { 200: Tokens },
      },
    },
    async ({ body: { username, password }, ip }, reply) => {
      const login = await platform.accounts.login({ username, password, address: ip });
      reply.header('cache-control', 'no-store');
      return {
        access: login.accessToken,
        refresh: login.refreshToken,
        token_type: 'bearer',
        expires_in: login.expiresIn,
      };
    },
  );
  scope.get(
    '/admin/',
    { config: { scopes: ['admin'] }, schema: { operationId: 'admin', summary: 'For admins: the console' } },
    (_request, reply) => reply.redirect('/docs', 302),
  );
}
