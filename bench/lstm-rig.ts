/** The LSTM of the shock example (20 × 9 → LSTM 64 → dense 32 → 4), served by the built program, and load on it. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Rig, startRig } from './process.js';
import { type Load, type LoadFigures, runRawLoad } from './run-raw-load.js';

const root = join(import.meta.dirname, '..');
const program = join(root, 'bin/vitrina.js');
const path = '/models/lstm/predict';
const body = JSON.stringify({
  inputs: { window: [Array.from({ length: 20 }, (_, i) => Array.from({ length: 9 }, (_, j) => Math.sin(9 * i + j)))] },
});

export interface LstmRig extends Rig {
  /** One load on it, with `headers` beside the credentials. */
  load(load: Load): Promise<LoadFigures>;
}

/** Starts the server with `batching` as model.yaml has it; `before` are words before its command (`coresApart`). */
export async function startLstm(
  batching: string,
  flags: readonly string[] = [],
  before: readonly string[] = [],
): Promise<LstmRig> {
  const data = mkdtempSync(join(tmpdir(), 'vitrina-bench-'));
  const model = join(data, 'served', 'lstm', '1');
  mkdirSync(model, { recursive: true });
  copyFileSync(join(root, 'examples/models/shock/1/LSTM.h5'), join(model, 'LSTM.h5'));
  writeFileSync(join(model, '..', 'model.yaml'), batching);
  const keys = [program, 'keys', 'create', '--scope', 'predict', '--data', data];
  const key = execFileSync(process.execPath, keys, { encoding: 'utf8' }).match(/vtr_[\w-]+/)![0];
  const json = { 'content-type': 'application/json', 'x-api-key': key };
  const command = [
    ...before,
    process.execPath,
    program,
    'serve',
    join(data, 'served'),
    '--port',
    '0',
    '--data',
    data,
    '--log-level',
    'error',
    ...flags,
  ];
  const rig = await startRig(command, async (url) => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', body, headers: json }).catch(() => undefined);
    return answer?.status === 200;
  });
  return {
    ...rig,
    load: ({ headers = {}, ...load }) =>
      runRawLoad(`${rig.url}${path}`, body, { ...load, headers: { ...json, ...headers } }),
  };
}
