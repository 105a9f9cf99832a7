/** The files that `vitrina convert` writes, in Python's onnx checker and onnxruntime (`scripts/python/make-venv.sh`). */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertArtefact, withMetadata } from '../../src/convert/index.js';
import { prepareFeaturizers } from '../../src/featurizers/index.js';
import { openSession } from '../../src/runtime/index.js';
import { feed, type ManifestCase, readManifest, type StoredInputs } from '../../src/services/loading/manifest.js';
import type { Tensor } from '../../src/tensor.js';
import { root } from './spawn.js';

const python = join(root, '.venv/bin/python');

describe.runIf(existsSync(python))('another runtime', () => {
  it.each(['keras', 'sklearn'])('computes the same with the graphs of %s', { timeout: 240_000 }, async (family) => {
    const folder = mkdtempSync(join(tmpdir(), 'vitrina-onnx-'));
    try {
      const manifest = join(root, 'test/fixtures', family, 'manifest.json');
      const served = readManifest(manifest).filter(({ kind }) => kind === 'model' || kind === 'transformer');
      const cases = [];
      for (const entry of served) cases.push(...(await prepare(join(root, 'test/fixtures', family), entry, folder)));
      expect(cases.length).toBeGreaterThan(10);
      const { stdout, stderr } = spawnSync(python, [join(root, 'scripts/python/check_onnx.py')], {
        input: JSON.stringify(cases),
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      });
      expect(stdout.trim(), stderr.slice(-2000)).toBe(`${cases.length} of ${cases.length} agree`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What Python is to load, feed and expect; nothing for an artefact that is refused. */
async function prepare(fixtures: string, { dir, artefact, id }: ManifestCase, folder: string) {
  const file = join(fixtures, artefact);
  const conversion = await convertArtefact(readFileSync(file), file).catch(() => undefined);
  if (conversion === undefined) return [];
  const stored = JSON.parse(readFileSync(join(fixtures, dir, 'inputs.json'), 'utf8')) as StoredInputs;
  const inputs = feed(conversion.signature, stored);
  const { graph, featurizers = [] } = conversion;
  const session = await openSession(graph, 'inline', { featurizers });
  const outputs = await session.run({ ...inputs });
  await session.close();
  const target = join(folder, `${id.replace(/\W/g, '_')}.onnx`);
  writeFileSync(target, withMetadata(conversion));
  return [{ file: target, inputs: plain(prepareFeaturizers(featurizers)(inputs)), outputs: plain(outputs) }];
}

function plain(tensors: Readonly<Record<string, Tensor>>) {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape, data: Array.from(data as ArrayLike<unknown>, plainElement) },
    ]),
  );
}

const plainElement = (value: unknown) =>
  typeof value === 'bigint'
    ? Number(value)
    : typeof value === 'number' && !Number.isFinite(value)
      ? String(value)
      : value;
