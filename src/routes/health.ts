import type { FastifyInstance } from 'fastify';
import type { ModelRepository } from '../services/repository/model-repository.js';
import type { Storage } from '../storage/index.js';

interface Needed {
  readonly models: ModelRepository;
  readonly storage: Pick<Storage, 'ping'>;
}

/** Whether the process lives, and whether it can answer: what load balancers and orchestrators ask. */
export async function healthRoutes(app: FastifyInstance, { models, storage }: Needed): Promise<void> {
  const open = { config: { public: true } };
  app.get('/livez', { ...open, schema: { summary: 'Is the process alive?', tags: ['health'] } }, () => ({
    status: 'live',
  }));
  app.get(
    '/readyz',
    { ...open, schema: { summary: 'Can every model answer, and the database?', tags: ['health'] } },
    async (_request, reply) => {
      const waiting = models.unready().length;
      const answers = await storage.ping().then(
        () => true,
        () => false,
      );
      if (waiting === 0 && answers) return { status: 'ready' };
      // The names of models, and where the database is, are for those who may see them.
      const problems = { models: waiting, ...(answers ? {} : { database: 'does not answer' }) };
      return reply.status(503).send({ status: 'not ready', ...problems });
    },
  );
}
