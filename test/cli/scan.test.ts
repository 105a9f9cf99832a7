import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { global, pickle } from '../hostile/pickle-writer.js';

const root = resolve(import.meta.dirname, '../..');
const vitrina = (...args: readonly string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args], { encoding: 'utf8' });

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-scan-'));
  mkdirSync(join(folder, 'models/deep'), { recursive: true });
  writeFileSync(join(folder, 'models/README.md'), '# Models\n');
  writeFileSync(join(folder, 'models/deep/clean.pkl'), pickle('\x80\x02}.'));
  writeFileSync(join(folder, 'models/system.pkl'), pickle(global('os', 'system'), '(S"touch PWNED"\ntR.'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('vitrina scan', { timeout: 60_000 }, () => {
  it('writes one JSON line a file of a folder, and fails when one is refused', () => {
    const { status, stdout, stderr } = vitrina('scan', join(folder, 'models'), '--json');
    expect(status).toBe(1);
    expect(stderr).toContain('3 files: 2 clean, 1 refused');
    const reports = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(reports).toMatchObject([
      {
        file: join(folder, 'models/README.md'),
        verdict: 'clean',
        code: null,
        notes: ['It is plain text, not a model.'],
      },
      { file: join(folder, 'models/deep/clean.pkl'), verdict: 'clean', globals: [], format: 'pickle' },
      {
        file: join(folder, 'models/system.pkl'),
        verdict: 'refused',
        code: 'pickle-global-refused',
        globals: ['os.system'],
        message: expect.stringContaining('os.system') as string,
      },
    ]);
  });

  it('says in words what it found, and succeeds when that is nothing', () => {
    const clean = vitrina('scan', join(folder, 'models/deep/clean.pkl'));
    expect(clean.status).toBe(0);
    expect(clean.stdout).toMatch(/^clean {3}.*clean\.pkl {2}a pickle \(protocol 2\)\n1 files: 1 clean, 0 refused\n$/);
    const refused = vitrina('scan', join(folder, 'models/system.pkl'));
    expect(refused.status).toBe(1);
    expect(refused.stdout).toMatch(/^refused .*pickle-global-refused\n {8}The pickle refers to os\.system/);
    expect(vitrina('scan', join(folder, 'nowhere')).stderr).toMatch(/nowhere: there is no such file or folder/);
  });
});
