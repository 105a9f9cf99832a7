/**
 * `npm run bench:linear`: a linear regression of ten features, one row a request with an API key, beside a bare
 * `node:http` server that parses the same body and answers a constant.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareWithCeiling } from './compare.js';

const root = join(import.meta.dirname, '..');
const data = mkdtempSync(join(tmpdir(), 'vitrina-bench-'));
const vitrina = [process.execPath, join(root, 'bin/vitrina.js')] as const;
const runCli = (args: readonly string[]) => execFileSync(vitrina[0], [vitrina[1], ...args], { encoding: 'utf8' });

const names = Array.from({ length: 10 }, (_, i) => `x${i}`);
const rows = Array.from({ length: 200 }, (_, i) => names.map((_, j) => Math.sin(i * (j + 1))));
const target = (row: readonly number[]) => row.reduce((sum, x, j) => sum + (j + 1) * x, 0.5);
const csv = join(data, 'train.csv');
writeFileSync(csv, [[...names, 'y'], ...rows.map((row) => [...row, target(row)])].map((row) => row.join()).join('\n'));
const model = join(data, 'linear.onnx');
runCli(['train', 'linear-regression', '--data', csv, '--target', 'y', '-o', model]);
const key = runCli(['keys', 'create', '--name', 'bench', '--scope', 'predict', '--data', data]).match(/vtr_[\w-]+/)![0];

const row = rows[7]!;
const headers = { 'content-type': 'application/json', 'x-api-key': key };
const body = JSON.stringify(Object.fromEntries(names.map((name, j) => [name, row[j]])));
await compareWithCeiling({
  command: [...vitrina, 'serve', model, '--port', '0', '--data', data],
  path: '/models/linear/predict',
  body,
  headers,
  async answers(url) {
    const response = await fetch(`${url}/models/linear/predict`, { method: 'POST', body, headers }).catch(
      () => undefined,
    );
    if (response?.status !== 200) return false;
    const { predict } = (await response.json()) as { predict: number };
    return Math.abs(predict - target(row)) < 1e-9;
  },
});
rmSync(data, { recursive: true });
