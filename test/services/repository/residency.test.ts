import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PredictionService } from '../../../src/services/predictions/prediction-service.js';
import { ModelRepository, type RepositoryOptions } from '../../../src/services/repository/model-repository.js';
import { scaleGraph } from '../../graphs.js';

/** Shared: what one test has converted, the next one recalls. */
const shared = mkdtempSync(join(tmpdir(), 'vitrina-residency-cache-'));
afterAll(() => rmSync(shared, { recursive: true, force: true }));
let folder: string;
let open: ModelRepository[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-residency-'));
});
afterEach(async () => {
  for (const models of open) await models.close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

/** Models `a`, `b`, …, which multiply by 1, 2, …; the same bytes are converted once. */
function models(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const name = String.fromCharCode(97 + i);
    mkdirSync(join(folder, 'models', name, '1'), { recursive: true });
    writeFileSync(join(folder, 'models', name, '1', 'a.onnx'), scaleGraph(3, i + 1).graph);
    return name;
  });
}

async function start(options: Partial<RepositoryOptions> = {}): Promise<ModelRepository> {
  const cacheFolder = join(shared, 'cache');
  const repository = new ModelRepository({
    paths: [join(folder, 'models')],
    cacheFolder,
    maxQueueRows: 100,
    load: 'lazy',
    ...options,
  });
  open.push(repository);
  await repository.refresh();
  return repository;
}

const inMemory = (repository: ModelRepository) =>
  repository.list().flatMap(({ model, state }) => (state.status === 'ready' ? [model] : []));

async function ask(repository: ModelRepository, model: string): Promise<number> {
  const inputs = { x: { dtype: 'float32' as const, shape: [1, 3], data: Float32Array.of(1, 1, 1) } };
  const { outputs } = await new PredictionService(repository, 10).predict({ model, inputs });
  return (outputs.y!.data as Float32Array)[0]!;
}

describe('models that load when they are asked for', { timeout: 120_000 }, () => {
  it('cost nothing at the start, load once for all who ask, and are described from then on', async () => {
    models(3);
    const repository = await start();
    expect([inMemory(repository), repository.ready, repository.answers('a')]).toEqual([[], true, true]);
    expect(() => repository.get('b')).toThrow(/loads when it is asked for/);
    const changes: string[] = [];
    repository.on('change', ({ model, state }) => changes.push(`${model} ${state?.status}`));
    expect(await Promise.all(['b', 'b', 'b', 'a'].map((model) => ask(repository, model)))).toEqual([2, 2, 2, 1]);
    expect(changes.sort()).toEqual(['a ready', 'b ready']);
    expect(inMemory(repository)).toEqual(['a', 'b']);
    expect(repository.acquire('b')).not.toBeInstanceOf(Promise);
    // The next start knows what was served, though it loads nothing.
    const again = await start();
    const [entry] = again.versions('b');
    expect(entry!.state).toMatchObject({ status: 'unloaded', card: { signature: { inputs: [{ name: 'x' }] } } });
    expect(again.versions('c')[0]!.state).not.toHaveProperty('card');
  });

  it('are unloaded when there is no room, the least recently used first, pinned ones never', async () => {
    const names = models(5);
    writeFileSync(join(folder, 'models/a/model.yaml'), 'pin: true');
    const all = await start({ load: 'eager' });
    const each = all.loaded.bytes / names.length;
    const repository = await start({ memoryBudget: each * 3.5 });
    expect(inMemory(repository)).toEqual(['a']);
    for (const model of ['b', 'c', 'b', 'd']) await ask(repository, model);
    // c was used before b.
    expect(inMemory(repository)).toEqual(['a', 'b', 'd']);
    expect(repository.loaded.bytes).toBeLessThanOrEqual(each * 3.5);
    expect(repository.versions('c')[0]!.state).toMatchObject({ status: 'unloaded', onDemand: true });
    for (let round = 0; round < 3; round++) {
      expect(await Promise.all(names.map((model) => ask(repository, model)))).toEqual([1, 2, 3, 4, 5]);
    }
    await expect.poll(() => repository.loaded.versions, { timeout: 20_000 }).toBeLessThanOrEqual(3);
    expect(inMemory(repository)).toContain('a');
  });

  it('are not unloaded while they compute', async () => {
    models(2);
    const repository = await start({ memoryBudget: 1 });
    const held = await repository.acquire('a');
    const inputs = { x: { dtype: 'float32' as const, shape: [1, 3], data: Float32Array.of(1, 1, 1) } };
    const answer = held.batcher.submit(inputs, 1);
    const other = repository.acquire('b');
    expect((await answer).outputs.y!.data[0]).toBe(1);
    await other;
    expect(await ask(repository, 'a')).toBe(1);
  });

  it('turn away who would have to wait too long, and who is too many', async () => {
    models(2);
    const repository = await start({ maxWaiting: 1 });
    const late = repository.acquire('a', undefined, { gone: false, deadline: performance.now() + 1 });
    await expect((async () => repository.acquire('b'))()).rejects.toMatchObject({
      code: 'loads-waiting',
      status: 503,
      headers: { 'retry-after': '1' },
    });
    await expect(late).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(await ask(repository, 'b')).toBe(2);
  });

  it('tell why they do not load, and fall back to the version before', async () => {
    models(1);
    mkdirSync(join(folder, 'models/a/2'));
    writeFileSync(join(folder, 'models/a/2/a.onnx'), 'no model');
    const repository = await start();
    expect(await ask(repository, 'a')).toBe(1);
    expect(repository.versions('a').map(({ state }) => state.status)).toEqual(['ready', 'failed']);
    await expect((async () => repository.acquire('a', '2'))()).rejects.toMatchObject({ code: 'model-not-ready' });
  });

  it('stay away once they were unloaded by name, until they are loaded by name', async () => {
    models(1);
    const repository = await start();
    await ask(repository, 'a');
    await repository.unload('a');
    await expect((async () => repository.acquire('a'))()).rejects.toMatchObject({ code: 'model-not-ready' });
    expect([repository.ready, repository.answers('a')]).toEqual([true, false]);
    await repository.load('a');
    expect(await ask(repository, 'a')).toBe(1);
  });
});
