import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/convert/graph-builder.js';
import { ArtefactStore } from '../../src/services/artefact-store.js';
import { ModelRepository } from '../../src/services/model-repository.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function* pieces(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}
const versionsOf = (store: ArtefactStore) => store.list().map(({ model, version }) => `${model}/${version}`);

describe('the store of artefacts', () => {
  it('keeps what came in pieces, under its digest', async () => {
    const store = new ArtefactStore(folder);
    const draft = await store.receive(pieces('mo', 'del'), 5);
    expect(draft.sha256).toBe('9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4');
    expect(store.list()).toEqual([]);
    const found = store.keep(draft, 'm', '1');
    expect(readFileSync(found.artefact as string, 'utf8')).toBe('model');
    expect(new ArtefactStore(folder).list()).toEqual([found]);
    expect(readdirSync(folder)).toEqual(['m']);
  });

  it('leaves nothing of what was too large, broke off, or was interrupted', async () => {
    const store = new ArtefactStore(folder);
    await expect(store.receive(pieces('mod', 'el'), 4)).rejects.toMatchObject({
      code: 'artefact-too-large',
      status: 413,
    });
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('mod');
      throw new Error('socket hang up');
    }
    await expect(store.receive(breaking(), 100)).rejects.toMatchObject({ code: 'request-malformed', status: 400 });
    expect(readdirSync(join(folder, '.drafts'))).toEqual([]);
    await store.receive(pieces('never kept'), 100);
    expect(versionsOf(new ArtefactStore(folder))).toEqual([]);
    expect(existsSync(join(folder, '.drafts'))).toBe(false);
  });

  it('retires versions for good', async () => {
    const store = new ArtefactStore(folder);
    for (const version of ['1', '2', '3']) store.keep(await store.receive(pieces(version), 9), 'm', version);
    store.keep(await store.receive(pieces('other'), 9), 'n', '1');
    store.retire('m', 2);
    expect(versionsOf(store)).toEqual(['m/3', 'n/1']);
    expect([store.retiredOf('m'), store.retiredOf('n'), store.retiredOf('nobody')]).toEqual([2, 0, 0]);
    expect(readdirSync(join(folder, 'm')).sort()).toEqual(['3', 'state.json']);
    store.retire('m', 3);
    expect(versionsOf(new ArtefactStore(folder))).toEqual(['n/1']);
  });

  it('passes over what is none of its own', () => {
    mkdirSync(join(folder, 'm/1'), { recursive: true });
    mkdirSync(join(folder, 'm/zero'), { recursive: true });
    mkdirSync(join(folder, 'no name/1'), { recursive: true });
    writeFileSync(join(folder, 'no name/1/artefact'), 'x');
    writeFileSync(join(folder, 'file'), 'x');
    expect(new ArtefactStore(folder).list()).toEqual([]);
  });

  it.each(['', '{', '{"retired": -1}', '{"retired": "2"}', 'null'])(
    'serves nothing by a state that it cannot read: %j',
    (text) => {
      mkdirSync(join(folder, 'm/1'), { recursive: true });
      writeFileSync(join(folder, 'm/1/artefact'), 'x');
      writeFileSync(join(folder, 'm/state.json'), text);
      expect(() => new ArtefactStore(folder).list()).toThrow(/state\.json: expected \{"retired"/);
    },
  );
});

describe('a graph that was uploaded', () => {
  /** Counts to `steps` before it answers. */
  function patient(steps: bigint): Uint8Array {
    const graph = new GraphBuilder('patient');
    const x = graph.input({ name: 'x', dtype: 'float64', shape: [null, 1] });
    const body = graph.subgraph('body', (inner) => {
      inner.input({ name: 'step', dtype: 'int64', shape: [] });
      const going = inner.input({ name: 'going', dtype: 'bool', shape: [] });
      const value = inner.parameter('value', 'float64');
      inner.result(inner.node('Identity', [going]), 'bool');
      inner.result(inner.node('Sin', [value]), 'float64');
    });
    const count = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(steps) });
    graph.output({ name: 'predict', dtype: 'float64', shape: [null, 1] }, graph.node('Loop', [count, '', x], { body }));
    return graph.build();
  }

  it('is refused when it does not answer in time, and holds up nobody meanwhile', async () => {
    const store = new ArtefactStore(folder);
    const models = new ModelRepository({ paths: [], cacheFolder: undefined, maxQueueRows: 10, store, trialMs: 1500 });
    const upload = (steps: bigint) => models.replace('m', pieces(patient(steps)), 1e6);
    expect((await upload(3n)).placement).toBe('inline');
    let longest = 0;
    let last = performance.now();
    const heart = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 10);
    await expect(upload(800_000n)).rejects.toMatchObject({ code: 'runtime-refused-graph', status: 422 });
    clearInterval(heart);
    expect(longest).toBeLessThan(1000);
    expect(models.get('m').version).toBe('1');
    await models.close();
  });
});
