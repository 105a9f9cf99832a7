/** The smallest model worth measuring, and a key to ask it: what a server costs around it is nearly all there is. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
export const vitrina = [process.execPath, join(root, 'bin/vitrina.js')] as const;
const runCli = (args: readonly string[]) => execFileSync(vitrina[0], [vitrina[1], ...args], { encoding: 'utf8' });

export interface LinearModel {
  /** A data folder with the key's database; a server may run on it. */
  readonly data: string;
  readonly model: string;
  readonly path: string;
  readonly body: string;
  readonly headers: Record<string, string>;
  /** True when the server at `url` gives the right answer. */
  answers(url: string): Promise<boolean>;
  remove(): void;
}

export function makeLinearModel(): LinearModel {
  const data = mkdtempSync(join(tmpdir(), 'vitrina-bench-'));
  const names = Array.from({ length: 10 }, (_, i) => `x${i}`);
  const rows = Array.from({ length: 200 }, (_, i) => names.map((_, j) => Math.sin(i * (j + 1))));
  const target = (row: readonly number[]) => row.reduce((sum, x, j) => sum + (j + 1) * x, 0.5);
  const csv = join(data, 'train.csv');
  const lines = [[...names, 'y'], ...rows.map((row) => [...row, target(row)])].map((row) => row.join());
  writeFileSync(csv, lines.join('\n'));
  const model = join(data, 'linear.onnx');
  runCli(['train', 'linear-regression', '--data', csv, '--target', 'y', '-o', model]);
  const made = runCli(['keys', 'create', '--name', 'bench', '--scope', 'predict', '--data', data]);
  const row = rows[7]!;
  const path = '/models/linear/predict';
  const headers = { 'content-type': 'application/json', 'x-api-key': made.match(/vtr_[\w-]+/)![0] };
  const body = JSON.stringify(Object.fromEntries(names.map((name, j) => [name, row[j]])));
  return {
    data,
    model,
    path,
    body,
    headers,
    async answers(url) {
      const response = await fetch(`${url}${path}`, { method: 'POST', body, headers }).catch(() => undefined);
      if (response?.status !== 200) return false;
      const { predict } = (await response.json()) as { predict: number };
      return Math.abs(predict - target(row)) < 1e-9;
    },
    remove: () => rmSync(data, { recursive: true }),
  };
}
