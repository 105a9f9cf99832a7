/** Clients that people already have, unmodified, against the built program. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, type Served, serve } from '../e2e/spawn.js';
import { scaleGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';

const python = join(root, '.venv/bin/python');

describe.runIf(existsSync(python))('clients of the Open Inference Protocol', () => {
  const data = mkdtempSync(join(tmpdir(), 'vitrina-conformance-'));
  let served: Served;
  beforeAll(async () => {
    served = await serve([folderOf({ scale: scaleGraph(3) })], data);
  });
  afterAll(async () => {
    await served.stop();
    rmSync(data, { recursive: true });
  });

  it.each(['tritonclient_http.py'])('%s', { timeout: 60_000 }, async (script) => {
    const address = served.url.replace('http://', '');
    const child = spawn(python, [join(import.meta.dirname, script), address, served.key!]);
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk));
    const code = await new Promise((done) => child.once('close', done));
    expect(printed).toContain('all calls as they should be');
    expect(code).toBe(0);
  });
});
