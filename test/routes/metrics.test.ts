import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineApp } from '../../src/index.js';
import { lookupGraph, scaleGraph } from '../graphs.js';
import { type Family, readExposition } from '../services/metrics/exposition.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

let started: StartedApp;
let folder: string;
beforeAll(async () => {
  folder = folderOf({
    scale: scaleGraph(),
    lookup: lookupGraph(),
    passing: scaleGraph(),
    changing: scaleGraph(),
    fresh: scaleGraph(),
  });
  started = await startApp([folder]);
});
afterAll(() => started.close());

async function scrape(from = started): Promise<Map<string, Family>> {
  const answer = await from.get('/metrics');
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return readExposition(answer.body);
}

const sampleOf = (families: Map<string, Family>, key: string) =>
  families.get(key.split('{')[0]!)?.samples.get(key) ?? 0;
const bucketOf = (families: Map<string, Family>, name: string, key: string) => families.get(name)?.samples.get(key);

describe('GET /metrics', () => {
  it('counts requests, predictions, rows, batches and stages', async () => {
    const before = await scrape();
    for (let i = 0; i < 5; i++) {
      expect(
        (
          await started.post('/models/scale/predict', {
            inputs: {
              x: [
                [1, 2, 3],
                [4, 5, 6],
              ],
            },
          })
        ).statusCode,
      ).toBe(200);
    }
    const after = await scrape();
    const gained = (key: string) => sampleOf(after, key) - sampleOf(before, key);
    const labels = 'model="scale",version="1"';
    expect(gained('vitrina_http_requests_total{route="/models/:name/predict",method="POST",status="200"}')).toBe(5);
    expect(gained(`vitrina_predictions_total{${labels}}`)).toBe(5);
    expect(gained(`vitrina_prediction_rows_total{${labels}}`)).toBe(10);
    for (const stage of ['parse', 'queue', 'run', 'write', 'total']) {
      const key = `vitrina_prediction_stage_seconds_count{${labels},stage="${stage}"}`;
      expect(bucketOf(after, 'vitrina_prediction_stage_seconds', key), stage).toBe(5);
    }
    const sumOf = (stage: string) =>
      bucketOf(
        after,
        'vitrina_prediction_stage_seconds',
        `vitrina_prediction_stage_seconds_sum{${labels},stage="${stage}"}`,
      )!;
    const parts = ['parse', 'queue', 'run', 'write'].map(sumOf).reduce((sum, part) => sum + part);
    expect(parts).toBeCloseTo(sumOf('total'), 6);
    expect(bucketOf(after, 'vitrina_batch_rows', `vitrina_batch_rows_bucket{${labels},le="1"}`)).toBe(0);
    expect(bucketOf(after, 'vitrina_batch_rows', `vitrina_batch_rows_bucket{${labels},le="2"}`)).toBe(5);
    expect(bucketOf(after, 'vitrina_batch_rows', `vitrina_batch_rows_sum{${labels}}`)).toBe(10);
    expect(sampleOf(after, 'vitrina_models{state="ready"}')).toBe(5);
    expect(sampleOf(after, `vitrina_queue_rows{${labels}}`)).toBe(0);
    expect(sampleOf(after, `vitrina_model_load_seconds{${labels}}`)).toBeGreaterThan(0);
    expect(sampleOf(after, `vitrina_model_memory_bytes{${labels}}`)).toBeGreaterThan(0);
    expect(sampleOf(after, 'process_resident_memory_bytes')).toBeGreaterThan(10e6);
    expect(sampleOf(after, 'process_cpu_seconds_total')).toBeGreaterThan(sampleOf(before, 'process_cpu_seconds_total'));
  });

  it('counts what went wrong, by reason', async () => {
    const before = await scrape();
    await started.post('/models/scale/predict', { x: [1, 2] });
    await started.post('/models/scale/predict', '{"x":');
    await started.post('/models/lookup/predict', { i: [99] });
    await started.post('/models/scale/versions/7/predict', { x: [1, 2, 3] });
    await started.app.inject({ method: 'POST', url: '/auth/token', payload: { username: 'eve', password: 'guess' } });
    const after = await scrape();
    const gained = (key: string) => sampleOf(after, key) - sampleOf(before, key);
    const failures = 'vitrina_prediction_failures_total';
    expect(gained(`${failures}{model="scale",reason="request-invalid"}`)).toBe(1);
    expect(gained(`${failures}{model="scale",reason="body-not-json"}`)).toBe(1);
    expect(gained(`${failures}{model="scale",reason="version-not-found"}`)).toBe(1);
    expect(gained(`${failures}{model="lookup",version="1",reason="runtime-rejected"}`)).toBe(1);
    expect(gained('vitrina_errors_total{code="login-failed"}')).toBe(1);
    expect(gained('vitrina_logins_failed_total{reason="login-failed"}')).toBe(1);
    expect(gained('vitrina_http_requests_total{route="/models/:name/predict",method="POST",status="422"}')).toBe(2);
  });

  it('grows by nothing that a caller makes up', async () => {
    await started.get('/nowhere');
    await started.post('/models/none/predict', {});
    await started.post('/v2/models/none/infer', {});
    await started.app.inject({ method: 'POST', url: '/models/scale/predict', payload: {} });
    await scrape();
    const count = (families: Map<string, Family>) =>
      [...families.values()].reduce((sum, { samples }) => sum + samples.size, 0);
    const before = count(await scrape());
    for (let i = 0; i < 200; i++) {
      const name = `made-up-${i}"\n\\`;
      const path = encodeURIComponent(name);
      await started.get(`/${path}`);
      await started.post(`/models/${path}/predict`, {});
      await started.post(`/models/scale/versions/${path}/predict`, {});
      await started.post(`/v2/models/${path}/infer`, {});
      await started.app.inject({
        method: 'POST',
        url: `/models/${path}/predict`,
        headers: { 'x-api-key': name.trim() },
      });
    }
    const after = await started.get('/metrics');
    expect(after.body).not.toContain('made-up');
    expect(count(readExposition(after.body))).toBeLessThanOrEqual(before + 20);
  });

  it('forgets models that are gone', async () => {
    await started.post('/models/passing/predict', { x: [1, 2, 3] });
    expect((await started.get('/metrics')).body).toContain('model="passing"');
    rmSync(join(folder, 'passing.onnx'));
    await started.models.refresh();
    const { body } = await started.get('/metrics');
    expect(body).not.toContain('passing');
    expect(sampleOf(readExposition(body), 'vitrina_models{state="ready"}')).toBe(4);
  });

  it('goes on counting a version that is loaded anew', async () => {
    const before = await scrape();
    await started.post('/models/changing/predict', { x: [1, 2, 3] });
    writeFileSync(join(folder, 'changing.onnx'), scaleGraph(3, 5).graph);
    await started.models.refresh();
    expect((await started.post('/models/changing/predict', { x: [1, 2, 3] })).json()).toEqual({ y: [5, 10, 15] });
    const after = await scrape();
    expect(sampleOf(after, 'vitrina_predictions_total{model="changing",version="1"}')).toBe(2);
    const count = 'vitrina_batch_rows_count{model="changing",version="1"}';
    expect(bucketOf(after, 'vitrina_batch_rows', count)).toBe(2);
    const loads = 'vitrina_model_loads_total{result="ready"}';
    expect(sampleOf(after, loads) - sampleOf(before, loads)).toBe(1);
  });

  it('needs a key that may read models, unless the owner opens it', async () => {
    expect((await started.app.inject({ url: '/metrics' })).statusCode).toBe(401);
    const user = await started.accounts.users.create({ username: 'p', password: null }, 'operator');
    const { key } = await started.accounts.keys.create({ userId: user.id, scopes: ['predict'] }, 'operator');
    expect((await started.app.inject({ url: '/metrics', headers: { 'x-api-key': key } })).statusCode).toBe(403);
  });

  it('is there beside an app that is served alone, open when the owner says so', async () => {
    const app = defineApp({
      name: 'plain',
      title: 'plain',
      description: 'greets',
      register: (scope) => void scope.get('/', { config: { public: true } }, () => ({ hello: 'world' })),
    });
    const alone = await startApp([folder], { only: 'plain', 'metrics-public': true }, [app]);
    await alone.app.inject({ url: '/' });
    const { statusCode, body } = await alone.app.inject({ url: '/metrics' });
    expect(statusCode).toBe(200);
    const key = 'vitrina_http_requests_total{route="/",method="GET",status="200"}';
    expect(sampleOf(readExposition(body), key)).toBe(1);
    await alone.close();
  });

  it('costs nothing when it is off', async () => {
    const off = await startApp([folder], { metrics: false });
    expect((await off.get('/metrics')).statusCode).toBe(404);
    expect((await off.post('/models/scale/predict', { x: [1, 2, 3] })).json()).toEqual({ y: [2, 4, 6] });
    await off.close();
  });
});

describe('GET /models/{name}/stats', () => {
  it('tells predictions, failures, percentiles by stage and batches, by version', async () => {
    expect((await started.get('/models/fresh/stats')).json()).toMatchObject({
      model: 'fresh',
      processes: 1,
      predictions: 0,
      versions: [{ version: '1', latencyMs: { parse: null, queue: null, run: null, write: null, total: null } }],
    });
    for (let i = 0; i < 20; i++) await started.post('/models/fresh/predict', [{ x: [1, 2, 3] }, { x: [1, 2, 3] }]);
    await started.post('/models/fresh/predict', { x: 1 });
    const stats = (await started.get('/models/fresh/stats')).json();
    expect(stats).toMatchObject({ predictions: 20, rows: 40, failures: { 'request-invalid': 1 } });
    const [version] = stats.versions;
    expect(version).toMatchObject({
      predictions: 20,
      rows: 40,
      batches: { count: 20, meanRows: 2, bySize: [{ rows: 2, count: 20 }] },
      queuedRows: 0,
    });
    const { total, run } = version.latencyMs;
    expect(total.count).toBe(20);
    expect(run.p50).toBeLessThanOrEqual(total.p50);
    expect(total.p50).toBeGreaterThan(0);
    expect(total.p50).toBeLessThanOrEqual(total.p90);
    expect(total.p90).toBeLessThanOrEqual(total.p99);
  });

  it('is for those who may read models, of models that are there', async () => {
    expect((await started.get('/models/none/stats')).json()).toMatchObject({ code: 'model-not-found' });
    expect((await started.app.inject({ url: '/models/scale/stats' })).statusCode).toBe(401);
    const { paths } = (await started.get('/openapi.json')).json();
    expect(paths['/models/{name}/stats'].get.responses['200']).toBeDefined();
  });
});
