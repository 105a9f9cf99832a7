import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { estimatorRegistry } from '../../src/convert/sklearn/registry.js';
import { type ManifestCase, readManifest, runCase } from '../../src/services/loading/manifest.js';

interface Case extends ManifestCase {
  readonly estimators?: readonly string[];
  readonly globals?: readonly string[];
}

const own = join(import.meta.dirname, '../fixtures/sklearn');
/** The fixtures of the project: odd files, and estimators of releases from 0.18 to the newest. */
const manifests = [join(own, 'manifest.json'), join(own, 'releases/manifest.json')];

const casesOf = (manifest: string) =>
  (readManifest(manifest) as Case[]).filter(({ family, kind }) => family === 'sklearn' && kind !== 'error');

/** The class at the root is one of these, whose arithmetic on single values leaves no room: equal bit for bit. */
const exact = /^(standard|minmax|maxabs|robust)_scaler_?_/;

function replay(manifest: string): void {
  for (const entry of casesOf(manifest)) {
    const { id, kind, dir } = entry;
    const refused = kind === 'refuse' || kind === 'not-a-model';
    it(`${id} is ${refused ? 'refused' : 'equal'}`, async () => {
      const { verdict, message, maxAbs } = await runCase(manifest, entry);
      expect({ verdict, message: refused ? '' : message }).toEqual({
        verdict: refused ? 'refused' : 'equal',
        message: '',
      });
      if (!refused && exact.test(dir.slice(dir.lastIndexOf('/') + 1)) && !dir.includes('float32'))
        expect(maxAbs).toBe(0);
    });
  }
}

describe('scikit-learn fixtures', () => {
  for (const manifest of manifests) replay(manifest);

  it('leave no trace of their payloads', () => {
    expect(existsSync('PWNED_BY_FIXTURE')).toBe(false);
  });

  it('hold a case of every converter', () => {
    const equal = ({ kind }: Case) => kind !== 'refuse' && kind !== 'not-a-model';
    const nameOf = (id: string) => id.slice(id.lastIndexOf('.') + 1);
    const covered = new Set(
      manifests
        .flatMap(casesOf)
        .filter(equal)
        .flatMap(({ estimators = [], globals = [] }) => [...estimators, ...globals].map(nameOf)),
    );
    // Boosters of other libraries have cases of their own; their pickles name their classes.
    const boosting = join(import.meta.dirname, '../fixtures/boosting');
    const boosters = readManifest(join(boosting, 'manifest.json'))
      .filter(({ artefact, kind }) => kind !== 'refuse' && artefact.endsWith('.pkl'))
      .map(({ artefact }) => readFileSync(join(boosting, artefact)));
    const bare = [...estimatorRegistry.keys()].filter((id) => {
      const inBooster = !id.startsWith('sklearn.') && boosters.some((bytes) => bytes.includes(nameOf(id)));
      return !covered.has(nameOf(id)) && !inBooster;
    });
    expect(bare).toEqual([]);
  });

  it('differ where a number is another one', async () => {
    const manifest = manifests[1]!;
    const entry = casesOf(manifest).find(({ dir }) => dir.includes('linreg'))!;
    const folder = mkdtempSync(join(tmpdir(), 'parity-'));
    try {
      cpSync(join(own, 'releases', entry.dir), join(folder, entry.dir), { recursive: true });
      const file = join(folder, entry.dir, 'expected.json');
      const expected = JSON.parse(readFileSync(file, 'utf8')) as { outputs: [{ data: unknown[] }] };
      let row = expected.outputs[0].data;
      while (Array.isArray(row[3] ?? row[0])) row = (row[3] ?? row[0]) as unknown[];
      row[0] = Number(row[0]) * 1.001 + 0.001;
      writeFileSync(file, JSON.stringify(expected));
      expect((await runCase(join(folder, 'manifest.json'), entry)).verdict).toBe('differs');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const shared = join(import.meta.dirname, '../../../shared/fixtures');
for (const set of ['dev', 'wild']) {
  const manifest = join(shared, set, 'manifest.json');
  describe.runIf(existsSync(manifest))(`scikit-learn fixtures, ${set}`, () => {
    if (existsSync(manifest)) replay(manifest);
  });
}
