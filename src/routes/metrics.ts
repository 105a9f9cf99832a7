import type { FastifyInstance } from 'fastify';
import { contentType } from '../services/metrics/exposition.js';
import type { Metrics } from '../services/metrics/metrics.js';

/** `GET /metrics`, for Prometheus: open to keys that may read models, or to anybody when the owner says so. */
export async function metricsRoutes(
  app: FastifyInstance,
  { metrics, open }: { metrics: Metrics; open: boolean },
): Promise<void> {
  const config = open ? { public: true } : { scopes: ['models:read'] as const };
  const schema = {
    summary: 'Metrics of the whole server, in the text format of Prometheus',
    tags: ['observability'],
    produces: ['text/plain'],
  };
  app.get('/metrics', { config, schema }, async (_request, reply) =>
    reply
      .type(contentType)
      .header('cache-control', 'no-store')
      .send(await metrics.print()),
  );
}
