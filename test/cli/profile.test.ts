import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scaleGraph } from '../graphs.js';
import { folderOf, startApp } from '../start-app.js';
import { folderOfVersions } from '../versions-folder.js';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

function vitrina(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', main, ...words], (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

describe('vitrina profile', { timeout: 180_000 }, () => {
  it('writes the profile where a server finds it', async () => {
    const folder = folderOfVersions('scale', { 1: scaleGraph(2, 2), 2: scaleGraph(2, 3) });
    const rows = join(mkdtempSync(join(tmpdir(), 'vitrina-rows-')), 'rows.csv');
    writeFileSync(rows, `feature1,feature2,target\n${Array.from({ length: 50 }, (_, i) => `${i},1,0`).join('\n')}\n`);
    const { code, out } = await vitrina('profile', join(folder, 'scale'), rows, '--model-version', '1');
    const file = join(folder, 'scale', '1', 'profile.json');
    expect([code, out]).toEqual([0, `${file}: 4 features of 50 rows, for version 1\n`]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ model: 'scale', version: '1', rows: 50 });
    const started = await startApp([folder]);
    try {
      const { versions } = (await started.get('/models/scale/drift')).json();
      expect(versions).toMatchObject([{ version: '1', reference: { rows: 50, source: 'reference' } }]);
    } finally {
      await started.close();
    }
  });

  it('says what keeps it from writing one', async () => {
    const folder = folderOf({ scale: scaleGraph(2) });
    const rows = join(folder, 'rows.json');
    writeFileSync(rows, '{"inputs": {"x": [[1, 2]]}}');
    const bare = await vitrina('profile', join(folder, 'scale.onnx'), rows);
    expect([bare.code, bare.err]).toEqual([1, expect.stringContaining('a bare artefact has no folder')]);
    expect(existsSync(join(folder, 'profile.json'))).toBe(false);
    const missing = await vitrina('profile', join(folder, 'scale.onnx'), join(folder, 'none.csv'));
    expect([missing.code, missing.out]).toEqual([1, '']);
  });
});
