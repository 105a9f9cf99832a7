/**
 * `npm run bench:shock`: the shock app's `/predict` (one patient, 180 records) beside a bare `node:http` server that
 * parses the same body and answers a constant, in turn, on one machine. Prints both and their ratio.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateWard } from '../examples/shock/ward.js';
import { compareWithCeiling } from './compare.js';
import { startRig } from './process.js';

const root = join(import.meta.dirname, '..');
const data = mkdtempSync(join(tmpdir(), 'vitrina-bench-'));
const serve = [
  process.execPath,
  join(root, 'bin/vitrina.js'),
  'serve',
  join(root, 'examples/models'),
  '--only',
  'shock',
  '--port',
  '0',
  '--data',
  data,
];
const body = JSON.stringify(lastRecords(generateWard({ patients: 1, seed: 7, rows: 24 })[0]!.body, 180));
const json = { 'content-type': 'application/json' };

/** The last `count` records, keyed from "0" as pandas' `to_dict()` keys them: the size that the contract's client sends. */
function lastRecords<T extends object>(patient: T, count: number): T {
  const entries = Object.entries(patient).map(([name, column]) =>
    typeof column === 'object' ? [name, { ...Object.values(column as object).slice(-count) }] : [name, column],
  );
  return Object.fromEntries(entries) as T;
}

async function post(url: string, text: string, headers: Record<string, string> = json): Promise<Response> {
  return fetch(url, { method: 'POST', body: text, headers });
}

async function answers(url: string, headers: Record<string, string>): Promise<boolean> {
  const response = await post(`${url}/predict`, body, headers).catch(() => undefined);
  if (response?.status !== 200) return false;
  const { State, inferences } = (await response.json()) as { State: string; inferences: Record<string, number> };
  const sum = Object.values(inferences).reduce((total, probability) => total + probability, 0);
  return State in inferences && Math.abs(sum - 1) < 1e-4;
}

/** A user and a token, from a first start; the measured starts then find the database and the conversions there. */
async function prepare(): Promise<Record<string, string>> {
  const rig = await startRig(
    serve,
    async (url) => (await fetch(`${url}/livez`).catch(() => undefined))?.status === 200,
  );
  process.stdout.write(`first start (converts, makes the database): ${rig.startMs.toFixed(0)} ms to /livez\n`);
  const credentials = JSON.stringify({ username: 'bench', password: 'bench-password-1' });
  await post(`${rig.url}/auth/create_user`, credentials);
  const login = (await (await post(`${rig.url}/auth/token`, credentials)).json()) as { access_token: string };
  await rig.stop();
  return { ...json, authorization: `Bearer ${login.access_token}` };
}

const headers = await prepare();
await compareWithCeiling({
  command: serve,
  path: '/predict',
  body,
  headers,
  answers: (url) => answers(url, headers),
});
rmSync(data, { recursive: true });
