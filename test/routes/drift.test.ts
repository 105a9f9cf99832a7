import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { scaleGraph, sumGraph } from '../graphs.js';
import { type StartedApp, startApp } from '../start-app.js';
import { folderOfVersions } from '../versions-folder.js';

let started: StartedApp | undefined;
let folder = '';
let key = '';

/** `y = x · 2` for two columns. */
async function start() {
  folder = folderOfVersions('scale', { 1: scaleGraph(2, 2) });
  mkdirSync(join(folder, 'sum', '1'), { recursive: true });
  writeFileSync(join(folder, 'sum', '1', 'model.onnx'), sumGraph().graph);
  started = await startApp([folder]);
  key = started.key;
}
/** Another start on the same data folder. */
async function restart(flags: Readonly<Record<string, unknown>> = {}) {
  const { data } = started!;
  await started!.close();
  started = await startApp([folder], { data, ...flags });
}

const send = (method: 'GET' | 'PUT' | 'DELETE' | 'POST', url: string, payload?: string | object, type = 'text/csv') =>
  started!.app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${key}`, ...(typeof payload === 'string' ? { 'content-type': type } : {}) },
    ...(payload === undefined ? {} : { payload }),
  });
const ask = async (rows: readonly (readonly number[])[]) =>
  expect((await send('POST', '/models/scale/predict', { inputs: { x: rows } })).statusCode).toBe(200);
const drift = async (url = '/models/scale/drift') => (await send('GET', url)).json().versions[0];
const reference = ['feature1,target,feature2', ...Array.from({ length: 400 }, (_, i) => `${i % 100},1,${i % 2}`)].join(
  '\n',
);
const profileUrl = '/models/scale/versions/1/profile';

describe('drift', { timeout: 180_000 }, () => {
  beforeAll(start, 180_000);
  afterAll(() => started?.close());
  afterEach(() => send('DELETE', profileUrl));

  it('is none where live traffic is like the reference, and named by feature where it is not', async () => {
    expect(await drift()).toMatchObject({ reference: null, features: [] });
    expect((await send('GET', profileUrl)).json()).toMatchObject({ code: 'profile-not-found', status: 404 });
    const put = await send('PUT', profileUrl, reference);
    expect([put.statusCode, put.json().rows]).toEqual([201, 400]);
    expect((await send('GET', profileUrl)).json()).toEqual(put.json());
    expect(await drift()).toMatchObject({ window: { minutes: 60, rows: 0 }, highest: { input: null, output: null } });

    await ask(Array.from({ length: 400 }, (_, i) => [(i * 7) % 100, i % 2]));
    const same = await drift();
    expect(same.window.rows).toBe(400);
    expect(same.features.map(({ side, name, level }: Record<string, string>) => [side, name, level])).toEqual([
      ['input', 'x[0]', 'stable'],
      ['input', 'x[1]', 'stable'],
      ['output', 'y[0]', 'stable'],
      ['output', 'y[1]', 'stable'],
    ]);
    await ask(Array.from({ length: 400 }, (_, i) => [90 + (i % 10), i % 2]));
    const { features, highest } = await drift();
    expect(features.map(({ level }: Record<string, string>) => level)).toEqual([
      'drifted',
      'stable',
      'drifted',
      'stable',
    ]);
    // Nine deciles had a tenth each and now have a twentieth; the last has the rest.
    const index = 9 * (0.05 - 0.1) * Math.log(0.5) + (0.55 - 0.1) * Math.log(5.5);
    expect(features[0].index).toBeCloseTo(index, 4);
    expect(highest).toEqual({ input: features[0].index, output: features[2].index });
    expect(features[1].bins).toEqual([
      { value: 0, reference: 0.5, seen: 0.5 },
      { value: 1, reference: 0.5, seen: 0.5 },
      { other: true, reference: 0, seen: 0 },
      { missing: true, reference: 0, seen: 0 },
    ]);
    await send('GET', '/metrics');
    await new Promise((next) => setTimeout(next, 100));
    const metrics = (await send('GET', '/metrics')).body;
    expect(metrics).toMatch(/vitrina_drift_index\{model="scale",version="1",side="input",feature="x\[0\]"\} 1\.0\d+/);
    expect(metrics).toContain('vitrina_drift_rows{model="scale",version="1"} 800');
  });

  it('is told by a profile that survives a restart, and that belongs to the artefact', async () => {
    await send('PUT', profileUrl, reference);
    await restart();
    expect((await drift()).reference).toMatchObject({ rows: 400, source: 'reference' });
    writeFileSync(join(folder, 'scale', '1', 'model.onnx'), scaleGraph(2, 3).graph);
    await started!.models.refresh();
    expect((await drift()).reference).toBeNull();
    expect((await send('DELETE', profileUrl)).statusCode).toBe(204);
    expect((await send('GET', profileUrl)).statusCode).toBe(404);
  });

  it('takes reference rows in JSON, for models that no table fits', async () => {
    const rows = {
      inputs: {
        x: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
    };
    const put = await send('PUT', '/models/sum/versions/1/profile', JSON.stringify(rows), 'application/json');
    expect(put.statusCode).toBe(201);
    expect(put.json().features.map(({ name }: { name: string }) => name)).toEqual(['x', 'sum']);
    expect((await send('PUT', '/models/sum/versions/1/profile', 'a\n1')).json().code).toBe('model-unsupported');
  });

  it.each([
    ['a column too few', 'feature1,target\n1,2', 422],
    ['a text for a number', 'feature1,feature2\n1,two', 422],
    ['nothing', '', 422],
    ['a broken quote', 'feature1,feature2\n"1,2', 400],
  ])('refuses a reference with %s', async (_name, csv, status) => {
    expect((await send('PUT', profileUrl, csv)).statusCode).toBe(status);
    expect((await send('GET', profileUrl)).statusCode).toBe(404);
  });

  it('takes the first rows of live traffic for the reference where it is asked to', async () => {
    await restart({ 'drift-reference-rows': 300 });
    await ask(Array.from({ length: 200 }, (_, i) => [i % 50, 1]));
    expect(await drift()).toMatchObject({ reference: null, gathering: { rows: 200, of: 300 } });
    await ask(Array.from({ length: 200 }, (_, i) => [i % 50, 1]));
    for (let i = 0; i < 100 && (await drift()).reference === null; i++)
      await new Promise((next) => setTimeout(next, 20));
    expect((await drift()).reference).toMatchObject({ rows: 400, source: 'live' });
    await ask([[1_000, 1]]);
    expect((await drift()).window.rows).toBe(1);
  });

  it('needs models:write for a profile, and an unknown version is named', async () => {
    expect((await started!.app.inject({ method: 'PUT', url: profileUrl, payload: 'x' })).statusCode).toBe(401);
    expect((await send('PUT', '/models/scale/versions/9/profile', reference)).json().code).toBe('version-not-found');
    expect((await send('DELETE', '/models/scale/versions/9/profile')).json().code).toBe('version-not-found');
    expect((await send('GET', '/models/scale/drift?version=9')).json().code).toBe('version-not-found');
    expect((await send('PUT', profileUrl, '<x/>', 'text/xml')).statusCode).toBe(415);
  });
});
