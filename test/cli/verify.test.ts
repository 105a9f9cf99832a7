import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const vitrina = (...args: readonly string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args], { encoding: 'utf8' });

let folder = '';
let manifest = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-verify-'));
  cpSync(join(root, 'test/fixtures/learn/hdbscan'), folder, { recursive: true });
  manifest = join(folder, 'manifest.json');
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Stored {
  readonly params: Record<string, unknown>;
  readonly outputs: readonly { readonly data: number[] }[];
}

/** Changes a stored file of a case. */
function change(file: string, edit: (stored: Stored) => void): void {
  const stored = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Stored;
  edit(stored);
  writeFileSync(join(folder, file), JSON.stringify(stored));
}

describe('vitrina verify --manifest', { timeout: 60_000 }, () => {
  it('replays clustering cases, and counts those apart where the reference has other answers', () => {
    const { status, stdout, stderr } = vitrina('verify', '--manifest', manifest, '--family', 'hdbscan', '--json');
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; verdict: string; maxAbs: number | null; message: string });
    expect(stderr).toContain('34 cases: 31 equal, 0 differs, 3 ambiguous, 0 refused, 0 error');
    expect(status).toBe(0);
    expect(lines).toHaveLength(34);
    const found = (name: string) => lines.find(({ id }) => id === `hdbscan/${name}`);
    expect(found('20_sessions_ms_n250')).toMatchObject({ verdict: 'equal', maxAbs: 0, message: '' });
    expect(found('tutorial_romain')).toMatchObject({
      verdict: 'equal',
      message: 'one of the other answers of the reference',
    });
    expect(found('18_dups_n150')).toMatchObject({
      verdict: 'ambiguous',
      message: '2 of 150 points are in another cluster than in the nearest of the 5 answers of the reference',
    });
  });

  it('fails when a cluster or a probability differs, or a parameter is unknown; refuses one that is out of range', () => {
    change('20_sessions_ms_n250/expected.json', ({ outputs }) => {
      const { data } = outputs[0]!;
      data[0] = data[0] === -1 ? 0 : -1;
    });
    change('21_poisson_n300/expected.json', ({ outputs }) => {
      const { data } = outputs[1]!;
      data[data.indexOf(1)] = 1 - 1e-8;
    });
    change('23_nested_n500/inputs.json', ({ params }) => {
      params.alpha = 2;
    });
    change('27_dups_ms_n2000/inputs.json', ({ params }) => {
      params.min_cluster_size = 1;
    });
    const { status, stdout } = vitrina('verify', '--manifest', manifest, '--family', 'hdbscan');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^differs +hdbscan\/20_sessions_ms_n250 +1 of 250 points are in another cluster$/m);
    expect(stdout).toMatch(/^differs +hdbscan\/21_poisson_n300 +a probability is off by 1\.0\S*e-8$/m);
    expect(stdout).toMatch(/^error +hdbscan\/23_nested_n500 +the case has the parameter alpha/m);
    expect(stdout).toMatch(/^refused +hdbscan\/27_dups_ms_n2000 +The clustering option minClusterSize is 1/m);
    expect(stdout).toContain('34 cases: 27 equal, 2 differs, 3 ambiguous, 1 refused, 1 error');
  });
});
