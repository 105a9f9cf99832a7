/** The app in docs/jobs.md: it is the one beside this file, and it works. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { WorkPlatform } from '../../src/index.js';
import { Workshop } from '../../src/services/jobs/index.js';
import { PredictionService } from '../../src/services/predictions/prediction-service.js';
import { scaleGraph } from '../graphs.js';
import { folderOf, startApp } from '../start-app.js';
import { nightly } from './documented-job.js';

it('is what docs/jobs.md shows', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/jobs.md'), 'utf8');
  const source = readFileSync(join(import.meta.dirname, 'documented-job.ts'), 'utf8');
  expect(page).toContain(`\`\`\`ts\n${source.replace("'../../src/index.js'", "'vitrina'")}\`\`\``);
});

it('does what it is asked for', async () => {
  const flags = { 'job-concurrency': 0, apps: { nightly: { model: 'scale' } } };
  const started = await startApp([folderOf({ scale: scaleGraph() })], flags, [nightly]);
  const predictions = new PredictionService(started.models, 100);
  const platform: Pick<WorkPlatform, 'predict' | 'modelName'> = {
    predict: (request) => predictions.predict(request),
    modelName: 'scale',
  };
  const workshop = new Workshop({
    storage: started.storage,
    definitions: await nightly.work!(platform as WorkPlatform),
    concurrency: 1,
    leaseMs: 10_000,
    keepDays: 1,
    log: { warn: () => undefined, error: () => undefined },
  });
  await workshop.start();
  const ask = async (rows: number[][]) => {
    const answer = await started.post('/nightly/scorings', rows, { 'idempotency-key': JSON.stringify(rows) });
    expect(answer.statusCode).toBe(202);
    const { id } = answer.json() as { id: string };
    await vi.waitUntil(async () => (await started.jobs.desk.find(id)).finished_at !== null, { timeout: 20_000 });
    return (await started.get(`/jobs/${id}`)).json();
  };
  expect(
    await ask([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  ).toMatchObject({
    name: 'nightly.scoring',
    state: 'succeeded',
    progress: { done: 2, of: 2 },
    result: {
      scores: [
        [2, 4, 6],
        [8, 10, 12],
      ],
    },
  });
  expect(await ask([])).toMatchObject({ state: 'failed', attempts: 1, error: { code: 'nothing-to-score' } });
  await workshop.stop(1_000);
  await started.close();
});
