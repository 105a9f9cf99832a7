import { Type } from 'typebox';
import { defineApp, defineJob, JobRefused, principalOf } from '../../src/index.js';

const scoring = {
  name: 'nightly.scoring',
  input: Type.Object({ rows: Type.Array(Type.Array(Type.Number())) }),
  retry: { attempts: 3, firstDelayMs: 2_000 },
  timeoutMs: 600_000,
  concurrency: 2,
};

export const nightly = defineApp({
  name: 'nightly',
  title: 'Nightly',
  description: 'Scores rows when there is time.',
  register(scope, { jobs }) {
    scope.post('/scorings', async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const { id, isNew } = await jobs.enqueue(
        scoring,
        { rows: request.body as number[][] },
        { owner: principalOf(request).userId, ...(typeof key === 'string' ? { idempotencyKey: key } : {}) },
      );
      return reply.code(202).send({ id, isNew });
    });
  },
  work: (platform) => [
    defineJob({
      ...scoring,
      async run({ input: { rows }, signal, progress }) {
        if (rows.length === 0) throw new JobRefused('There is nothing to score.', 'nothing-to-score');
        const scores: number[][] = [];
        for (const row of rows) {
          signal.throwIfAborted();
          const { outputs } = await platform.predict({
            model: platform.modelName,
            inputs: { x: { dtype: 'float32', shape: [1, row.length], data: Float32Array.from(row) } },
          });
          scores.push([...(outputs.y!.data as Float32Array)]);
          progress({ done: scores.length, of: rows.length });
        }
        return { scores };
      },
    }),
  ],
});
