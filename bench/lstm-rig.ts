/** The LSTM of the shock example (20 × 9 → LSTM 64 → dense 32 → 4), served by the built program, and load on it. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { cpuMs } from './peers/process-tree.js';
import { type Rig, startRig } from './process.js';

const root = join(import.meta.dirname, '..');
const program = join(root, 'bin/vitrina.js');
const path = '/models/lstm/predict';
const body = JSON.stringify({
  inputs: { window: [Array.from({ length: 20 }, (_, i) => Array.from({ length: 9 }, (_, j) => Math.sin(9 * i + j)))] },
});

export interface LstmRig extends Rig {
  /** One load on it, with `headers` beside the credentials. */
  load(load: Load): Promise<LoadFigures>;
  /** Milliseconds of processor time that the server has used so far. */
  cpuMs(): number;
}

export interface Load {
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second; 0: as many as are answered. */
  readonly rate?: number;
  /** Milliseconds after which a caller gives up on a request that found no connection. */
  readonly patienceMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadFigures {
  readonly answers: readonly { status: number; count: number; p50: number; p99: number; max: number }[];
  readonly unsent: number;
  readonly broken: number;
  readonly seconds: number;
}

/** Starts the server with `batching` as model.yaml has it. */
export async function startLstm(batching: string, flags: readonly string[] = []): Promise<LstmRig> {
  const data = mkdtempSync(join(tmpdir(), 'vitrina-bench-'));
  const model = join(data, 'served', 'lstm', '1');
  mkdirSync(model, { recursive: true });
  copyFileSync(join(root, 'examples/models/shock/1/LSTM.h5'), join(model, 'LSTM.h5'));
  writeFileSync(join(model, '..', 'model.yaml'), batching);
  const keys = [program, 'keys', 'create', '--scope', 'predict', '--data', data];
  const key = execFileSync(process.execPath, keys, { encoding: 'utf8' }).match(/vtr_[\w-]+/)![0];
  const json = { 'content-type': 'application/json', 'x-api-key': key };
  const command = [
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
    load: ({ headers = {}, connections, seconds, rate = 0, patienceMs = 1000 }) => {
      const lines = Object.entries({ host: 'bench', ...json, 'content-length': `${body.length}`, ...headers });
      const head = [`POST ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
      const port = Number(new URL(rig.url).port);
      const workerData = { port, request: `${head}\r\n\r\n${body}`, connections, seconds, rate, patienceMs };
      return new Promise((resolve, reject) => {
        const worker = new Worker(new URL('raw-load.js', import.meta.url), { workerData });
        worker.once('message', resolve).once('error', reject);
        worker.once('exit', (code) => code !== 0 && reject(new Error(`the load ended with ${code}`)));
      });
    },
    cpuMs: () => cpuMs([rig.child.pid!]),
  };
}

/** Answers of a status a second. */
export const rateOf = ({ answers, seconds }: LoadFigures, status = 200): number =>
  (answers.find((answer) => answer.status === status)?.count ?? 0) / seconds;

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
