import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Metrics } from '../services/metrics/metrics.js';

const counts = Type.Record(Type.String(), Type.Integer(), { description: 'By code of docs/errors.md' });
const stage = Type.Union([
  Type.Object({
    count: Type.Integer(),
    mean: Type.Number(),
    p50: Type.Number(),
    p90: Type.Number(),
    p99: Type.Number(),
  }),
  Type.Null(),
]);

const modelStats = Type.Object({
  model: Type.String(),
  processes: Type.Integer({ description: 'Server processes that the numbers are of' }),
  predictions: Type.Integer(),
  rows: Type.Integer(),
  failures: counts,
  versions: Type.Array(
    Type.Object({
      version: Type.String(),
      predictions: Type.Integer(),
      rows: Type.Integer(),
      failures: counts,
      latencyMs: Type.Object(
        { parse: stage, queue: stage, run: stage, write: stage, total: stage },
        {
          description:
            'Milliseconds by stage; percentiles are interpolated within a bucket 28 % wide at most; null where nothing went through',
        },
      ),
      batches: Type.Object({
        count: Type.Integer(),
        meanRows: Type.Union([Type.Number(), Type.Null()]),
        bySize: Type.Array(Type.Object({ rows: Type.Integer(), count: Type.Integer() })),
      }),
      queuedRows: Type.Integer({ description: 'Rows that wait now' }),
    }),
  ),
});

/** `GET /models/{name}/stats`: counts and percentiles since the server started, over all of its processes. */
export async function statsRoutes(app: FastifyInstance, { metrics }: { metrics: Metrics }): Promise<void> {
  const params = Type.Object({ name: Type.String({ description: 'Name of the model' }) });
  app.get<{ Params: { name: string } }>(
    '/models/:name/stats',
    {
      config: { scopes: ['models:read'] as const },
      schema: {
        summary: 'What a model did: predictions, failures, latency by stage, batches, by version',
        tags: ['observability'],
        params,
        response: { 200: modelStats },
      },
    },
    ({ params: { name } }) => metrics.stats(name),
  );
}
