import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { operator } from '../../src/services/accounts/index.js';
import { scaleGraph, sumGraph } from '../graphs.js';
import { type StartedApp, startApp } from '../start-app.js';
import { folderOfVersions } from '../versions-folder.js';

let started: StartedApp | undefined;
let folder = '';
/** The first start prints it; later ones know it. */
let key = '';

/** `y = x · version`; the highest version, 5, is the default. */
async function start() {
  folder = folderOfVersions('scale', {
    2: sumGraph(),
    3: scaleGraph(1, 3),
    4: scaleGraph(1, 4),
    5: scaleGraph(1, 5),
  });
  started = await startApp([folder]);
  key = started.key;
}
const stop = async () => {
  await started?.close();
  started = undefined;
};
/** Another start on the same data folder. */
async function restart(change: (data: string) => void = () => undefined) {
  const { data } = started!;
  await stop();
  change(data);
  started = await startApp([folder], { data });
}
/** Starting takes a while on a busy machine. */
const slow = { timeout: 180_000 };

const put = (body: unknown, model = 'scale') =>
  started!.app.inject({
    method: 'PUT',
    url: `/models/${model}/traffic`,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  });
const remove = () =>
  started!.app.inject({
    method: 'DELETE',
    url: '/models/scale/traffic',
    headers: { authorization: `Bearer ${key}` },
  });
const get = (url: string) => started!.app.inject({ url, headers: { authorization: `Bearer ${key}` } });
const view = async () => (await get('/models/scale/traffic')).json();
const post = (url: string, payload: object, headers: Record<string, string> = {}) =>
  started!.app.inject({ method: 'POST', url, headers: { authorization: `Bearer ${key}`, ...headers }, payload });
/** The version that answers, three times told: by the header, the body and the number. */
async function ask(headers: Record<string, string> = {}, url = '/models/scale/predict'): Promise<string> {
  const answer = await post(url, { inputs: { x: [[1]] } }, headers);
  expect(answer.statusCode).toBe(200);
  const { version, outputs } = answer.json();
  expect([answer.headers['x-model-version'], String(outputs.y[0][0])]).toEqual([version, version]);
  return version;
}
async function askOften(times: number, headers: (i: number) => Record<string, string> = () => ({})) {
  const versions: string[] = [];
  for (let i = 0; i < times; i++) versions.push(await ask(headers(i)));
  return versions;
}
const until = async (test: () => boolean | Promise<boolean>) => {
  for (let i = 0; i < 400 && !(await test()); i++) await new Promise((next) => setTimeout(next, 10));
};

describe('traffic policies', slow, () => {
  beforeAll(start, 180_000);
  afterAll(stop);
  afterEach(() => remove());

  it('give a canary its share of the requests that name no version', async () => {
    expect(await view()).toEqual({
      model: 'scale',
      default: '5',
      canary: null,
      sticky: null,
      shadow: null,
      answered: {},
    });
    expect((await put({ canary: { version: '3', weight: 0.25 } })).statusCode).toBe(200);
    const versions = await askOften(400);
    const canary = versions.filter((version) => version === '3').length;
    expect(versions.every((version) => version === '3' || version === '5')).toBe(true);
    // Five standard deviations of the binomial distribution, 8.66 each.
    expect(Math.abs(canary - 100)).toBeLessThan(44);
    expect((await view()).answered).toEqual({ 3: canary, 5: 400 - canary });
    expect(await ask({}, '/models/scale/versions/4/predict')).toBe('4');
    expect((await view()).answered).toEqual({ 3: canary, 5: 400 - canary });
    expect((await remove()).statusCode).toBe(204);
    expect(new Set(await askOften(40))).toEqual(new Set(['5']));
  });

  it('keep callers by a header, and those who are in when its weight grows', async () => {
    const who = (i: number) => ({ 'X-User-Id': `user-${i}` });
    await put({ canary: { version: '3', weight: 0.3 }, sticky: 'X-User-Id' });
    const first = await askOften(100, who);
    expect(await askOften(100, who)).toEqual(first);
    expect(new Set(first)).toEqual(new Set(['3', '5']));
    await put({ canary: { version: '3', weight: 0.6 }, sticky: 'x-user-id' });
    const grown = await askOften(100, who);
    first.forEach((version, i) => {
      if (version === '3') expect(grown[i]).toBe('3');
    });
    expect(grown.filter((version) => version === '3').length).toBeGreaterThan(
      first.filter((version) => version === '3').length,
    );
    const infer = async (i: number) => {
      const body = { inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [1] }] };
      return (await post('/v2/models/scale/infer', body, who(i))).json().model_version;
    };
    expect(await Promise.all(first.map((_, i) => infer(i)))).toEqual(grown);
    // Without the header, chance decides.
    expect(new Set(await askOften(60))).toEqual(new Set(['3', '5']));
  });

  it('are refused where they cannot be put into force, and change nothing then', async () => {
    const refused = async (body: unknown) => {
      const answer = await put(body);
      expect(answer.statusCode).toBe(422);
      return answer.json().detail;
    };
    expect(await refused({ canary: { version: '9', weight: 0.5 } })).toContain('the versions are 2, 3, 4, 5');
    expect(await refused({ canary: { version: '5', weight: 0.5 } })).toContain('is the default already');
    expect(await refused({ shadow: { version: '2' } })).toContain('takes other inputs (x: float32[?, ?])');
    expect(await refused({})).toContain('names neither');
    expect((await put({ canary: { version: '3', weight: 0.5 } }, 'nothing')).statusCode).toBe(404);
    expect((await get('/models/nothing/traffic')).statusCode).toBe(404);
    expect(await view()).toMatchObject({ canary: null, shadow: null });
  });

  it('are changed by keys with the scope models:write alone', async () => {
    const { accounts } = started!;
    const { id: userId } = await accounts.users.ensureAdmin();
    const { key: reader } = await accounts.keys.create({ userId, scopes: ['models:read', 'predict'] }, operator);
    const answer = await started!.app.inject({
      method: 'PUT',
      url: '/models/scale/traffic',
      headers: { 'x-api-key': reader },
      payload: { canary: { version: '3', weight: 1 } },
    });
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'forbidden']);
    expect((await started!.app.inject({ method: 'DELETE', url: '/models/scale/traffic' })).statusCode).toBe(401);
    expect(
      (await started!.app.inject({ url: '/models/scale/traffic', headers: { 'x-api-key': reader } })).statusCode,
    ).toBe(200);
  });
  it('have a shadow compute copies when the answers are out, and says how far it is off', async () => {
    await put({ shadow: { version: '4' } });
    expect(new Set(await askOften(20))).toEqual(new Set(['5']));
    await ask({}, '/models/scale/versions/3/predict');
    await until(async () => (await view()).shadow.compared >= 20);
    const { shadow } = await view();
    expect(shadow).toMatchObject({
      version: '4',
      compared: 20,
      differing: 20,
      failed: 0,
      dropped: 0,
      largest: { y: 1 },
    });
    expect(shadow.examples).toHaveLength(10);
    expect(shadow.examples[0]).toMatchObject({
      version: '5',
      request: expect.any(String),
      differences: [{ output: 'y', at: 0, answered: 5, shadow: 4 }],
    });
    await put({ shadow: { version: '4', tolerance: 1 } });
    await askOften(5);
    await until(async () => (await view()).shadow.compared >= 5);
    expect((await view()).shadow).toMatchObject({ compared: 5, differing: 0 });
  });

  it('survive a restart', async () => {
    await put({ canary: { version: '3', weight: 1 }, shadow: { version: '4' } });
    await restart();
    expect(await ask()).toBe('3');
    expect(await view()).toMatchObject({ canary: { version: '3', weight: 1 }, shadow: { version: '4' } });
  });

  it('are not read from a file that holds none, and can be put again', async () => {
    await restart((data) => {
      mkdirSync(join(data, 'models', 'scale'), { recursive: true });
      writeFileSync(join(data, 'models', 'scale', 'traffic.json'), '{"canary":');
    });
    expect(await ask()).toBe('5');
    expect((await put({ canary: { version: '3', weight: 1 } })).statusCode).toBe(200);
    expect(await ask()).toBe('3');
  });

  it('are found by another server on the same data folder within a second', async () => {
    const other = await startApp([folder], { data: started!.data });
    try {
      await put({ canary: { version: '3', weight: 1 } });
      const began = performance.now();
      const headers = { authorization: `Bearer ${key}` };
      const payload = { inputs: { x: [[1]] } };
      const answered = async () =>
        (await other.app.inject({ method: 'POST', url: '/models/scale/predict', headers, payload })).json().version;
      await until(async () => (await answered()) === '3');
      expect(await answered()).toBe('3');
      // A look every half second, and a machine that has other things to do.
      expect(performance.now() - began).toBeLessThan(3_000);
    } finally {
      await other.close();
    }
  });

  it('leave requests to the default while the canary cannot answer', async () => {
    await put({ canary: { version: '3', weight: 1 } });
    await restart(() => writeFileSync(join(folder, 'scale', '3', 'model.onnx'), 'broken'));
    expect(await ask()).toBe('5');
    writeFileSync(join(folder, 'scale', '3', 'model.onnx'), scaleGraph(1, 3).graph);
    await started!.models.refresh();
    expect(await ask()).toBe('3');
  });

  it('end with their version, part by part', async () => {
    const { data, models } = started!;
    await put({ canary: { version: '3', weight: 1 }, shadow: { version: '4' } });
    rmSync(join(folder, 'scale', '3'), { recursive: true });
    await models.refresh();
    expect(await ask()).toBe('5');
    expect(await view()).toMatchObject({ canary: null, shadow: { version: '4' } });
    rmSync(join(folder, 'scale', '4'), { recursive: true });
    await models.refresh();
    expect(await view()).toMatchObject({ canary: null, shadow: null });
    expect(existsSync(join(data, 'models', 'scale', 'traffic.json'))).toBe(false);
  });
});
