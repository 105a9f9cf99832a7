import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { PredictionService } from '../../../src/services/predictions/prediction-service.js';
import { ModelRepository } from '../../../src/services/repository/model-repository.js';
import { scanRepository } from '../../../src/services/repository/repository-scan.js';
import { noSiblings, type Siblings } from '../../../src/services/siblings.js';
import { lookupGraph, scaleGraph } from '../../graphs.js';

/** Shared: what one test has converted, the next one recalls. */
const shared = mkdtempSync(join(tmpdir(), 'vitrina-repository-cache-'));
afterAll(() => rmSync(shared, { recursive: true, force: true }));
let folder: string;
let open: ModelRepository[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-repository-'));
});
afterEach(async () => {
  for (const models of open) await models.close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

function put(path: string, content: string | Uint8Array): string {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  return file;
}

async function load(
  paths: string[] = [join(folder, 'models')],
  cacheFolder = join(shared, 'cache'),
): Promise<ModelRepository> {
  const models = new ModelRepository({ paths, cacheFolder, maxQueueRows: 1000 });
  open.push(models);
  await models.refresh();
  return models;
}

const stateOf = (models: ModelRepository, name: string) => models.versions(name)[0]!.state;
function reasonOf(models: ModelRepository, name: string): string {
  const state = stateOf(models, name);
  return state.status === 'failed' ? state.error.message : state.status;
}
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof VitrinaError) return error.code;
  }
  return 'none';
};
const ask = async (models: ModelRepository, value: number, version?: string) => {
  const inputs = { x: { dtype: 'float32' as const, shape: [1, 3], data: Float32Array.of(value, value, value) } };
  const answer = await new PredictionService(models, 10).predict({
    model: 'm',
    inputs,
    ...(version === undefined ? {} : { version }),
  });
  return (answer.outputs.y!.data as Float32Array)[0];
};

describe('a repository', { timeout: 120_000 }, () => {
  it('takes over what another process of the server has measured, and places a version as that one does', async () => {
    put('models/m.onnx', scaleGraph().graph);
    const answers = new Map<string, (question: unknown) => unknown>();
    const options = { paths: [join(folder, 'models')], cacheFolder: undefined, maxQueueRows: 1000 };
    const siblings: Siblings = { ...noSiblings, answer: (topic, respond) => void answers.set(topic, respond) };
    const first = new ModelRepository({ ...options, siblings });
    const others = {
      ...noSiblings,
      ask: async (topic: string, question: unknown) => [await answers.get(topic)?.(question)].filter(Boolean),
    };
    const second = new ModelRepository({ ...options, siblings: others });
    open.push(first, second);
    await first.refresh();
    const { timing } = first.get('m');
    expect(timing?.singleMs).toBeGreaterThan(0);
    await second.refresh();
    expect(second.get('m').timing).toEqual(timing);
    // Another artefact costs something else.
    expect(answers.get('version-timing')!({ model: 'm', version: '1', stamp: 'another' })).toBeUndefined();
  });

  it('serves bare files and folders, the highest version by default', async () => {
    put('models/m/1/a.onnx', scaleGraph(3, 2).graph);
    put('models/m/2/b.onnx', scaleGraph(3, 3).graph);
    put('models/m/10/c.onnx', scaleGraph(3, 10).graph);
    put('models/lookup.onnx', lookupGraph().graph);
    put('models/notes.txt', 'not a model');
    put('models/.hidden/1/a.onnx', 'x');
    const models = await load();
    expect(models.names()).toEqual(['lookup', 'm']);
    expect(models.versions('m').map(({ version }) => version)).toEqual(['1', '2', '10']);
    expect(await ask(models, 1)).toBe(10);
    expect(await ask(models, 1, '2')).toBe(3);
    expect(models.ready).toBe(true);
    expect(codeOf(() => models.get('nothing'))).toBe('model-not-found');
    expect(codeOf(() => models.get('m', '7'))).toBe('version-not-found');
  });

  it('takes one artefact, one model’s folder, and several paths', async () => {
    const bare = put('elsewhere/n.onnx', scaleGraph().graph);
    put('models/m/1/a.onnx', scaleGraph().graph);
    expect((await load([bare, join(folder, 'models/m')])).names()).toEqual(['m', 'n']);
    await expect(load([join(folder, 'nowhere')])).rejects.toMatchObject({ code: 'path-unusable' });
  });

  it('keeps a version with a fault from being ready, with the reason', async () => {
    put('models/empty/1/readme.txt', 'x');
    put('models/two/1/a.onnx', scaleGraph().graph);
    put('models/two/1/b.onnx', scaleGraph().graph);
    put('models/pointer.h5', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n');
    put('models/bad-name!.onnx', scaleGraph().graph);
    put('models/typo/1/a.onnx', scaleGraph().graph);
    put('models/typo/model.yaml', 'lables: [a]');
    put('models/named/1/a.onnx', scaleGraph().graph);
    put('models/named/1/b.onnx', scaleGraph().graph);
    put('models/named/model.yaml', 'artefact: b.onnx\nname: chosen');
    const models = await load();
    expect(reasonOf(models, 'empty')).toContain('no artefact in this version');
    expect(reasonOf(models, 'two')).toContain('There are 2 artefacts (a.onnx, b.onnx), and no order');
    expect(reasonOf(models, 'pointer')).toContain('Git LFS pointer');
    expect(reasonOf(models, 'bad-name!')).toContain('cannot be a model');
    expect(reasonOf(models, 'typo')).toContain('there is no entry "lables"; did you mean "labels"?');
    expect(stateOf(models, 'chosen').status).toBe('ready');
    expect(models.ready).toBe(false);
    expect(codeOf(() => models.get('pointer'))).toBe('model-not-ready');
  });

  it.each([
    ['batching: {maxBatchRows: 0}', 'batching.maxBatchRows is 0; expected a whole number from 1'],
    ['batching: {maxRows: 1}', 'there is no entry "batching.maxRows"'],
    ['placement: gpu', 'placement is "gpu"; expected auto, inline, worker or process'],
    ['golden: ../../secret.json', 'expected a file name'],
    ['name: ../up', 'expected a name'],
    ['labels: [1, 2]', 'expected a list of texts'],
    ['- a', 'expected a mapping'],
    ['a: [', 'model.yaml'],
  ])('refuses model.yaml with %s', async (yaml, words) => {
    put('models/m/1/a.onnx', scaleGraph().graph);
    put('models/m/model.yaml', yaml);
    expect(reasonOf(await load(), 'm')).toContain(words);
  });

  it('replays the golden file before a version is ready', async () => {
    put('models/m/1/a.onnx', scaleGraph().graph);
    put('models/m/1/golden.json', '{"inputs": {"x": [[1, 2, 3]]}, "expected": {"y": [[2, 4, 6]]}, "tolerance": 1e-6}');
    expect((await load()).get('m')).toMatchObject({ golden: 'passed', example: { x: [[1, 2, 3]] } });
    put(
      'models/m/1/golden.json',
      '{"inputs": {"x": [[1, 2, 3]]}, "expected": {"y": [[2, 4.1, 6]]}, "tolerance": 1e-6}',
    );
    expect(reasonOf(await load(), 'm')).toContain('output "y" is 4, expected 4.1 within 0.000001');
    put('models/m/1/golden.json', '{"inputs": {"x": [[1, 2, 3]]}, "expected": {"z": [[2]]}}');
    expect(reasonOf(await load(), 'm')).toContain('there is no output "z"');
    put('models/m/1/golden.json', '{"inputs": {}, "expected": {"y": [[2]]}}');
    expect(reasonOf(await load(), 'm')).toContain('inputs.x');
    put('models/m/1/golden.json', '[]');
    expect(reasonOf(await load(), 'm')).toContain('a golden file has');
  });

  it('places and batches as model.yaml says', async () => {
    put('models/m/1/a.onnx', scaleGraph().graph);
    put('models/m/model.yaml', 'placement: worker\nbatching: {maxBatchRows: 7, maxDelayMs: 3}\nlabels: [a, b, c]');
    const models = await load();
    expect(models.get('m')).toMatchObject({
      placement: 'worker',
      maxBatchRows: 7,
      maxDelayMs: 3,
      labels: ['a', 'b', 'c'],
    });
    expect(await ask(models, 4)).toBe(8);
  });
});

describe('refresh', { timeout: 120_000 }, () => {
  it('replaces what changed, adds what came and forgets what went, while requests go on', async () => {
    put('models/m/1/a.onnx', scaleGraph(3, 2).graph);
    const models = await load();
    const before = models.get('m');
    const answers: (number | undefined)[] = [];
    let stop = false;
    const caller = (async () => {
      while (!stop) answers.push(await ask(models, 1));
    })();
    put('models/m/1/a.onnx', scaleGraph(3, 5, 0).graph);
    put('models/n.onnx', scaleGraph().graph);
    await models.refresh();
    expect(models.get('m')).not.toBe(before);
    expect(await ask(models, 1)).toBe(5);
    expect(models.names()).toEqual(['m', 'n']);
    rmSync(join(folder, 'models/n.onnx'));
    await models.refresh();
    stop = true;
    await caller;
    expect(models.names()).toEqual(['m']);
    expect(new Set(answers)).toEqual(new Set([2, 5]));
  });

  it('leaves the version that works in service when its successor does not load', async () => {
    put('models/m/1/a.onnx', scaleGraph(3, 2).graph);
    const models = await load();
    const failures: unknown[] = [];
    models.on('change', ({ state }) => failures.push(state?.status));
    put('models/m/1/a.onnx', 'half a file');
    await models.refresh();
    expect(failures).toEqual(['failed']);
    expect(await ask(models, 1)).toBe(2);
  });

  it('loads nothing again that did not change', async () => {
    put('models/m/1/a.onnx', scaleGraph().graph);
    const models = await load();
    const before = models.get('m');
    await models.refresh();
    expect(models.get('m')).toBe(before);
  });
});

describe('the conversion cache', () => {
  it('keeps a conversion by the artefact’s bytes, and makes a damaged one again', async () => {
    put('models/m/1/a.onnx', scaleGraph(3, 2).graph);
    const cache = join(folder, 'cache');
    await load(undefined, cache);
    const [entry] = readdirSync(cache);
    expect(entry).toMatch(/^[0-9a-f]{64}-/);
    cpSync(join(folder, 'models/m'), join(folder, 'models/copy'), { recursive: true });
    writeFileSync(join(cache, entry!, 'graph.onnx'), 'damaged');
    const models = await load(undefined, cache);
    expect(await ask(models, 1)).toBe(2);
    expect(models.names()).toEqual(['copy', 'm']);
    expect(readdirSync(cache)).toEqual([entry]);
    expect(readFileSync(join(cache, entry!, 'graph.onnx')).length).toBeGreaterThan(50);
    // What nobody has read for months goes; what is none of the cache's stays.
    const old = new Date(Date.now() - 100 * 86_400_000);
    for (const name of [`${'0'.repeat(64)}-old`, 'notes']) {
      mkdirSync(join(cache, name));
      utimesSync(join(cache, name), old, old);
    }
    await load(undefined, cache);
    expect(readdirSync(cache).sort()).toEqual([entry, 'notes']);
  });
});

describe('scanRepository', () => {
  it('opens nothing but model.yaml, and stamps every file', () => {
    put('models/m/1/LSTM.h5', 'not read');
    put('models/m/1/scaler.joblib.gz', 'not read');
    const [found] = scanRepository(join(folder, 'models'));
    expect(found).toMatchObject({ model: 'm', version: '1', artefact: join(folder, 'models/m/1/LSTM.h5') });
    put('models/m/1/scaler.joblib.gz', 'changed, and longer');
    expect(scanRepository(join(folder, 'models'))[0]!.stamp).not.toBe(found!.stamp);
  });

  it('names bare files by what stands before their endings', () => {
    put('models/churn.joblib.gz', 'x');
    put('models/v1.2.pkl', 'x');
    expect(scanRepository(join(folder, 'models')).map(({ model }) => model)).toEqual(['churn', 'v1.2']);
  });
});

describe('load and unload', { timeout: 120_000 }, () => {
  it('take a model out of memory and bring it back, and load anew what is loaded', async () => {
    put('models/m/1/a.onnx', scaleGraph(3, 2).graph);
    const models = await load();
    const before = models.get('m');
    await models.load('m');
    expect(models.get('m')).not.toBe(before);
    await models.unload('m');
    expect(stateOf(models, 'm').status).toBe('unloaded');
    expect(codeOf(() => models.get('m'))).toBe('model-not-ready');
    await models.refresh();
    await expect(ask(models, 1)).rejects.toMatchObject({ code: 'model-not-ready', status: 503 });
    expect(models.ready).toBe(true);
    await models.load('m');
    expect(await ask(models, 1)).toBe(2);
    await expect(models.load('nobody')).rejects.toMatchObject({ code: 'model-not-found' });
    await expect(models.unload('nobody')).rejects.toMatchObject({ code: 'model-not-found' });
  });
});
