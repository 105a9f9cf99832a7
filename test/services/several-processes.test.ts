import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/log.js';
import { Drift } from '../../src/services/drift/drift.js';
import { profileRows } from '../../src/services/drift/profile-builder.js';
import { PredictionService } from '../../src/services/predictions/prediction-service.js';
import { ModelRepository } from '../../src/services/repository/model-repository.js';
import { readPolicy } from '../../src/services/traffic/policy.js';
import { Shadow } from '../../src/services/traffic/shadow.js';
import { Traffic } from '../../src/services/traffic/traffic.js';
import { scaleGraph } from '../graphs.js';
import { siblingsHub } from '../siblings-hub.js';
import { folderOfVersions } from '../versions-folder.js';

/** `y = x · version`; three processes of one server, on one data folder. */
const processes: { models: ModelRepository; predictions: PredictionService; traffic: Traffic; drift: Drift }[] = [];

beforeAll(async () => {
  const folder = folderOfVersions('scale', { 1: scaleGraph(1, 1), 2: scaleGraph(1, 2), 3: scaleGraph(1, 3) });
  const data = mkdtempSync(join(tmpdir(), 'vitrina-processes-'));
  const log = createLogger('silent');
  for (const siblings of siblingsHub(3)) {
    const models = new ModelRepository({ paths: [folder], cacheFolder: join(data, 'cache'), maxQueueRows: 1_000 });
    await models.refresh();
    const predictions = new PredictionService(models, 1_000);
    const shadow = new Shadow(
      (model, version) => models.acquire(model, version),
      () => 0,
    );
    const traffic = new Traffic({ models, folder: join(data, 'models'), siblings, log, shadow });
    const profiles = { folder: join(data, 'profiles'), windowMs: 3_600_000, referenceRows: 0 };
    const drift = new Drift({ models, siblings, log, ...profiles });
    predictions.chooseBy(traffic);
    predictions.observe(traffic);
    predictions.observe(drift);
    processes.push({ models, predictions, traffic, drift });
  }
}, 180_000);
afterAll(async () => {
  for (const { models, traffic } of processes) {
    traffic.close();
    await models.close();
  }
});

const inputs = (value: number) => ({ x: { dtype: 'float32' as const, shape: [1, 1], data: Float32Array.of(value) } });
const ask = async (process: (typeof processes)[number], value = 1) =>
  (await process.predictions.predict({ model: 'scale', inputs: inputs(value) })).version.version;
const until = async (test: () => Promise<boolean>) => {
  for (let i = 0; i < 400 && !(await test()); i++) await new Promise((next) => setTimeout(next, 10));
};

describe('several processes', () => {
  it('follow a policy at once, and sum what came of it', async () => {
    await processes[0]!.traffic.put(
      'scale',
      readPolicy({ canary: { version: '1', weight: 1 }, shadow: { version: '2' } }),
    );
    for (const process of processes) expect([await ask(process), await ask(process, 3)]).toEqual(['1', '1']);
    const view = () => processes[2]!.traffic.view('scale');
    await until(async () => (await view()).shadow?.compared === 6);
    expect(await view()).toMatchObject({
      default: '3',
      answered: { 1: 6 },
      shadow: { compared: 6, differing: 6, dropped: 0, failed: 0, largest: { y: 3 } },
    });
    expect((await view()).shadow?.examples).toHaveLength(6);
    await processes[1]!.traffic.remove('scale');
    for (const process of processes) expect(await ask(process)).toBe('3');
  });

  it('compare the sum of what they saw with one profile', async () => {
    const ready = processes[0]!.models.get('scale');
    const rows = Float32Array.from({ length: 200 }, (_, i) => i);
    const profile = await profileRows(ready, { x: { dtype: 'float32', shape: [200, 1], data: rows } });
    await processes[0]!.drift.put(profile);
    for (const [i, process] of processes.entries()) for (let k = 0; k < 60; k++) await ask(process, 3 * k + i);
    const views = await Promise.all(processes.map(({ drift }) => drift.view('scale')));
    for (const { versions } of views) {
      expect(versions).toEqual(views[0]!.versions);
      expect(versions[0]).toMatchObject({ version: '3', window: { rows: 180 }, reference: { rows: 200 } });
      // 180 of 200 values: nine tenths of the deciles are full, the last is empty.
      const [x] = versions[0]!.features;
      expect(x!.bins.slice(0, 9).map(({ seen }) => seen)).toEqual(new Array(9).fill(0.111111));
    }
  });
});
