import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaleGraph } from '../graphs.js';

const root = resolve(import.meta.dirname, '../..');
const vitrina = (...args: readonly string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args], { encoding: 'utf8' });

let folder = '';
let model = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-bench-'));
  model = join(folder, 'scale.onnx');
  writeFileSync(model, scaleGraph().graph);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('vitrina bench', { timeout: 60_000 }, () => {
  it('measures the sessions app, served by a process of its own', () => {
    const words = ['--events', '50,900', '--concurrent', '4', '--rounds', '2', '--json'];
    const { status, stdout } = vitrina('bench', 'sessions', ...words);
    expect(status).toBe(0);
    const [few, many] = JSON.parse(stdout);
    expect([few.events, many.events]).toEqual([50, 900]);
    expect(many.sessions).toBeGreaterThan(few.sessions);
    for (const { requestsPerSecond, p50Ms, p99Ms, livezP99Ms } of [few, many]) {
      expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
      for (const figure of [requestsPerSecond, p50Ms, livezP99Ms]) expect(figure).toBeGreaterThan(0);
    }
    const refused = vitrina('bench', 'sessions', '--events', '0');
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('a whole number from 1')]);
  });

  it('measures the sizes and the callers that are asked for', () => {
    const { status, stdout } = vitrina(
      'bench',
      model,
      '--rows',
      '1,4',
      '--callers',
      '1,8',
      '--seconds',
      '0.05',
      '--json',
    );
    expect(status).toBe(0);
    const { sizes, callers, placement, maxBatchRows } = JSON.parse(stdout);
    expect([placement, maxBatchRows > 0]).toEqual([expect.stringMatching(/^(inline|worker)$/), true]);
    expect(sizes.map(({ rows }: { rows: number }) => rows)).toEqual([1, 4]);
    for (const size of sizes) expect(size.rowsPerSecond).toBeCloseTo((1000 * size.rows) / size.runMs);
    expect(callers.map((loop: { callers: number; batching: boolean }) => [loop.callers, loop.batching])).toEqual([
      [1, false],
      [1, true],
      [8, false],
      [8, true],
    ]);
    expect(callers[2].batchRows).toBe(1);
    expect(callers[3].batchRows).toBeGreaterThan(4);
  });

  it.each([
    ['--rows', '0'],
    ['--rows', '1,x'],
    ['--callers', '99999'],
    ['--seconds', 'soon'],
  ])('is told clearly: %s %s', (...flags) => {
    const { status, stderr } = vitrina('bench', model, ...flags);
    expect(status).toBe(2);
    expect(stderr).toContain('expected');
  });
});
