import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArtefactStore, type Draft } from '../../../src/services/repository/artefact-store.js';
import { ModelRepository } from '../../../src/services/repository/model-repository.js';
import { patientGraph } from '../../graphs.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function* pieces(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}
const versionsOf = (store: ArtefactStore) => store.list().map(({ model, version }) => `${model}/${version}`);
const visible = (path: string) => readdirSync(path).filter((name) => !name.startsWith('.'));

/** Makes `draft` a version, as the repository does. */
function keep(store: ArtefactStore, draft: Draft, model: string, version: string, without: readonly string[] = []) {
  return store.commit(model, ({ revision: _, uploads, ...state }) => ({
    state: {
      ...state,
      last: Math.max(state.last, Number(version)),
      uploads: {
        ...Object.fromEntries(Object.entries(uploads).filter(([other]) => !without.includes(other))),
        [version]: { sha256: draft.sha256 },
      },
    },
    place: { draft, version },
  }));
}

describe('the store of artefacts', () => {
  it('keeps what came in pieces, under its digest', async () => {
    const store = new ArtefactStore(folder);
    const draft = await store.receive(pieces('mo', 'del'), 5);
    expect(draft.sha256).toBe('9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4');
    expect(store.list()).toEqual([]);
    expect(keep(store, draft, 'm', '1')).toMatchObject({
      revision: 1,
      last: 1,
      uploads: { 1: { sha256: draft.sha256 } },
    });
    const [found] = store.list();
    expect(readFileSync(found!.artefact as string, 'utf8')).toBe('model');
    expect(new ArtefactStore(folder).list()).toEqual([found]);
    expect(visible(folder)).toEqual(['m']);
    expect(readdirSync(join(folder, '.drafts'))).toEqual([]);
  });

  it('leaves nothing of what was too large or broke off', async () => {
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
  });

  it('sweeps drafts of processes that are gone, and leaves those of others', async () => {
    const store = new ArtefactStore(folder);
    const draft = await store.receive(pieces('being written'), 100);
    const gone = join(folder, '.drafts', `${hostname()}+${spawnSync(process.execPath, ['--version']).pid}+x`);
    const elsewhere = join(folder, '.drafts', 'another-host+1+x');
    const forgotten = join(folder, '.drafts', 'another-host+2+x');
    for (const path of [gone, elsewhere, forgotten]) mkdirSync(path);
    const long = Date.now() / 1000 - 25 * 3600;
    utimesSync(forgotten, long, long);
    expect(versionsOf(new ArtefactStore(folder))).toEqual([]);
    expect(readdirSync(join(folder, '.drafts')).sort()).toEqual([basename(elsewhere), basename(draft.folder)].sort());
  });

  it('takes the files of versions that are no longer listed, and of changes that were cut off', async () => {
    const store = new ArtefactStore(folder);
    for (const version of ['1', '2', '3']) keep(store, await store.receive(pieces(version), 9), 'm', version);
    keep(store, await store.receive(pieces('other'), 9), 'n', '1');
    // What a crash between the two renames of a change leaves.
    mkdirSync(join(folder, 'm/4'));
    writeFileSync(join(folder, 'm/4/artefact'), 'cut off');
    expect(versionsOf(new ArtefactStore(folder)).sort()).toEqual(['m/1', 'm/2', 'm/3', 'n/1']);
    const draft = await store.receive(pieces('4, whole'), 9);
    keep(store, draft, 'm', '4', ['1', '2']);
    expect(versionsOf(store).sort()).toEqual(['m/3', 'm/4', 'n/1']);
    expect(visible(join(folder, 'm')).sort()).toEqual(['3', '4', 'state.json']);
    expect(readFileSync(join(folder, 'm/4/artefact'), 'utf8')).toBe('4, whole');
  });

  it('tells which models another process has changed', async () => {
    const store = new ArtefactStore(folder);
    const other = new ArtefactStore(folder);
    const before = store.generation();
    expect(store.changed()).toEqual([]);
    keep(other, await other.receive(pieces('x'), 9), 'm', '1');
    expect(store.generation()).not.toBe(before);
    expect(store.changed()).toEqual(['m']);
    expect(store.changed()).toEqual([]);
    keep(store, await store.receive(pieces('y'), 9), 'm', '2');
    expect(store.changed()).toEqual([]);
    expect(other.changed()).toEqual(['m']);
  });

  it('passes over what is none of its own', () => {
    mkdirSync(join(folder, 'm/1'), { recursive: true });
    mkdirSync(join(folder, 'm/zero'), { recursive: true });
    mkdirSync(join(folder, 'no name/1'), { recursive: true });
    writeFileSync(join(folder, 'no name/1/artefact'), 'x');
    writeFileSync(join(folder, 'file'), 'x');
    expect(new ArtefactStore(folder).list()).toEqual([]);
  });

  it('reads what an older release left', async () => {
    for (const version of ['1', '2', '3']) {
      mkdirSync(join(folder, 'm', version), { recursive: true });
      writeFileSync(join(folder, 'm', version, 'artefact'), version);
    }
    writeFileSync(join(folder, 'm/state.json'), '{"retired": 2}');
    const store = new ArtefactStore(folder);
    expect(versionsOf(store)).toEqual(['m/3']);
    expect(store.stateOf('m')).toMatchObject({ last: 3, hidden: { upTo: 2, also: [] } });
    keep(store, await store.receive(pieces('4'), 9), 'm', '4');
    expect(versionsOf(new ArtefactStore(folder))).toEqual(['m/3', 'm/4']);
  });

  it.each(['', '{', '{"retired": -1}', '{"retired": "2"}', 'null'])(
    'serves nothing by a state that it cannot read: %j',
    (text) => {
      mkdirSync(join(folder, 'm/1'), { recursive: true });
      writeFileSync(join(folder, 'm/1/artefact'), 'x');
      writeFileSync(join(folder, 'm/state.json'), text);
      expect(() => new ArtefactStore(folder).list()).toThrow(/state\.json: it is no state of a model/);
    },
  );
});

describe('a graph that was uploaded', () => {
  it('is refused when it does not answer in time, and holds up nobody meanwhile', async () => {
    const store = new ArtefactStore(folder);
    const models = new ModelRepository({ paths: [], cacheFolder: undefined, maxQueueRows: 10, store, trialMs: 1500 });
    const upload = (steps: bigint) => models.replace('m', pieces(patientGraph(steps)), 1e6);
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
