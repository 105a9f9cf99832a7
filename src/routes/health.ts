import type { FastifyInstance } from 'fastify';
import type { ModelRepository } from '../services/repository/model-repository.js';

/** Whether the process lives, and whether it can answer: what load balancers and orchestrators ask. */
export async function healthRoutes(app: FastifyInstance, { models }: { models: ModelRepository }): Promise<void> {
  const open = { config: { public: true } };
  app.get('/livez', { ...open, schema: { summary: 'Is the process alive?', tags: ['health'] } }, () => ({
    status: 'live',
  }));
  app.get(
    '/readyz',
    { ...open, schema: { summary: 'Can every model answer?', tags: ['health'] } },
    (_request, reply) => {
      const waiting = models.unready();
      if (waiting.length === 0) return { status: 'ready' };
      // The names of models are for those who may see them.
      return reply.status(503).send({ status: 'not ready', models: waiting.length });
    },
  );
}
