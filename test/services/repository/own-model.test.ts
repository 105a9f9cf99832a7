import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelRepository } from '../../../src/services/repository/model-repository.js';
import { serveOwnModel } from '../../../src/services/repository/own-model.js';
import { scaleGraph } from '../../graphs.js';

/** What one test has converted, the next one recalls. */
const cache = mkdtempSync(join(tmpdir(), 'vitrina-own-cache-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));
let folder = '';
let open: ModelRepository[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-own-'));
  mkdirSync(join(folder, 'models'));
});
afterEach(async () => {
  for (const models of open) await models.close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

async function repository(): Promise<ModelRepository> {
  const models = new ModelRepository({ paths: [join(folder, 'models')], cacheFolder: cache, maxQueueRows: 100 });
  open.push(models);
  await models.refresh();
  return models;
}

const own = () => join(folder, 'own');
const serve = (models: ModelRepository, digest: string, make: () => Uint8Array, name = 'm') =>
  serveOwnModel(models, own(), name, { digest, make });
async function repositoryWith(digest: string): Promise<ModelRepository> {
  const models = await repository();
  await serve(models, digest, () => graph);
  return models;
}
const never = () => {
  throw new Error('it should not be made');
};
const { graph } = scaleGraph(2);

describe('a model that is made here', () => {
  it('is served, and made once for each digest', async () => {
    expect(await serve(await repository(), 'one', () => graph)).toBe(true);
    const later = await repository();
    expect(later.names()).toEqual([]);
    expect(await serve(later, 'one', never)).toBe(false);
    expect(later.get('m').version).toBe('1');
    expect(await serve(later, 'two', () => scaleGraph(3).graph)).toBe(true);
    expect(later.get('m').sha256).not.toBe((await repositoryWith('one')).get('m').sha256);
  });

  it('is made anew when making it was cut off, or its file is gone', async () => {
    await expect(serve(await repository(), 'one', never)).rejects.toThrow('it should not be made');
    expect(await serve(await repository(), 'one', () => graph)).toBe(true);
    rmSync(join(own(), 'm.digest'));
    expect(await serve(await repository(), 'one', () => graph)).toBe(true);
    const models = await repositoryWith('one');
    rmSync(join(own(), 'm.onnx'));
    await models.refresh();
    expect(models.names()).toEqual([]);
    expect(await serve(models, 'one', () => graph)).toBe(true);
    expect(models.names()).toEqual(['m']);
  });

  it('gives way to a version of the same number on a path', async () => {
    const models = await repositoryWith('one');
    const before = models.get('m').sha256;
    mkdirSync(join(folder, 'models/m/1'), { recursive: true });
    writeFileSync(join(folder, 'models/m/1/m.onnx'), scaleGraph(5).graph);
    await models.refresh();
    expect(models.get('m').sha256).not.toBe(before);
    expect(models.versions('m')).toHaveLength(1);
  });

  it('needs a name that a model can have', async () => {
    await expect(serve(await repository(), 'one', never, '../m')).rejects.toMatchObject({ code: 'setting-invalid' });
  });

  it('is made by one of several processes that start at once', async () => {
    const log = join(folder, 'made');
    writeFileSync(join(folder, 'graph.onnx'), graph);
    const processes = Array.from({ length: 3 }, () =>
      fork(join(import.meta.dirname, 'own-model-process.ts'), [own(), join(folder, 'graph.onnx'), log, cache], {
        execArgv: ['--import', 'tsx'],
      }),
    );
    const ended = (child: ChildProcess) => new Promise((done) => child.once('exit', done));
    const listening = processes.map((child) => new Promise((done) => child.once('message', done)));
    await Promise.all(listening);
    const codes = processes.map(ended);
    for (const child of processes) child.send('go');
    expect(await Promise.all(codes)).toEqual([0, 0, 0]);
    expect(readFileSync(log, 'utf8')).toBe('made\n');
  });
});
