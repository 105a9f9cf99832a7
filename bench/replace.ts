/**
 * `npm run bench:replace -- [rounds]`: the built program under load, a version of its model put again and again. Prints
 * the memory of the server as it goes; fails when a request failed, or when memory grew by more than a tenth beyond what
 * it was after the first ten.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Pool } from 'undici';
import { GraphBuilder } from '../src/convert/graph-builder.js';

const rounds = Number(process.argv[2] ?? 100);
const connections = 16;
const body = '{"inputs": {"x": [[1, 1, 1, 1]]}}';

/** Gives `factor` for ones. Another factor is another artefact, and another conversion. */
function artefact(factor: number): Uint8Array {
  const graph = new GraphBuilder('replace');
  const x = graph.input({ name: 'x', dtype: 'float32', shape: [null, 4] });
  const weights = graph.constant({ dtype: 'float32', shape: [4, 1], data: new Float32Array(4).fill(factor / 4) });
  graph.output({ name: 'y', dtype: 'float32', shape: [null, 1] }, graph.node('MatMul', [x, weights]));
  return graph.build();
}

const data = mkdtempSync(join(tmpdir(), 'vitrina-replace-'));
const program = resolve(import.meta.dirname, '../bin/vitrina.js');
const server = spawn(process.execPath, [program, 'serve', '--port', '0', '--data', data], {
  cwd: data,
  stdio: ['ignore', 'pipe', 'inherit'],
});
let printed = '';
const url = await new Promise<string>((found, failed) => {
  server.once('exit', (code) => failed(new Error(`serve ended with ${code}`)));
  server.stdout.on('data', (chunk) => {
    printed += chunk;
    const line = /^Vitrina serves .* at (http\S+) /m.exec(printed);
    if (line !== null) found(line[1]!);
  });
});
const key = /^First admin key \(shown once\): (\S+)$/m.exec(printed)![1]!;
const headers = { 'x-api-key': key, 'content-type': 'application/json' };
const pool = new Pool(url, { connections: connections + 1 });

async function put(factor: number): Promise<void> {
  const { statusCode, body: answer } = await pool.request({
    method: 'PUT',
    path: '/models/m',
    headers: { 'x-api-key': key, 'content-type': 'application/octet-stream' },
    body: Buffer.from(artefact(factor)),
  });
  const text = await answer.text();
  if (statusCode !== 201) throw new Error(`PUT: ${statusCode} ${text}`);
}

const residentMb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]) / 1024;

let answered = 0;
const failures: string[] = [];
let stop = false;
async function call(): Promise<void> {
  while (!stop) {
    try {
      const response = await pool.request({ method: 'POST', path: '/models/m/predict', headers, body });
      const text = await response.body.text();
      const y = response.statusCode === 200 ? (JSON.parse(text).outputs.y[0][0] as number) : Number.NaN;
      // Factors count up: anything else is no version of this model.
      if (Number.isInteger(y) && y >= 1 && y <= rounds + 1) answered++;
      else failures.push(`${response.statusCode} ${text.slice(0, 200)}`);
    } catch (error) {
      failures.push(String(error));
    }
  }
}

await put(1);
const callers = Array.from({ length: connections }, call);
let early = 0;
let late = 0;
process.stdout.write(
  '| replaced | answered | failed | resident MB | ms a replacement |\n| ---: | ---: | ---: | ---: | ---: |\n',
);
let since = performance.now();
for (let round = 1; round <= rounds; round++) {
  await put(round + 1);
  // What V8 has not collected yet swings more than what is asked about: the least of some looks.
  if (round % 10 !== 0) continue;
  const each = (performance.now() - since) / 10;
  const looks: number[] = [];
  for (let i = 0; i < 5; i++) {
    looks.push(residentMb());
    await new Promise((next) => setTimeout(next, 200));
  }
  late = Math.min(...looks);
  if (round === 10) early = late;
  process.stdout.write(`| ${round} | ${answered} | ${failures.length} | ${late.toFixed(1)} | ${each.toFixed(0)} |\n`);
  since = performance.now();
}
stop = true;
await Promise.all(callers);
await pool.close();
server.removeAllListeners('exit');
server.kill('SIGTERM');
await new Promise((next) => server.once('exit', next));
rmSync(data, { recursive: true, force: true });
const growth = ((late - early) / early) * 100;
process.stdout.write(`\nMemory after ${rounds} replacements: ${growth.toFixed(1)} % over the first ten.\n`);
for (const failure of new Set(failures.slice(0, 10))) process.stderr.write(`${failure}\n`);
if (failures.length > 0 || growth >= 10) process.exitCode = 1;
