/** Clients that people already have, unmodified, against the built program. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, type Served, serve } from '../e2e/spawn.js';
import { echoGraph, scaleGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';

const common = join(root, '.venv/bin/python');
const mlserver = join(root, '.venv/mlserver/bin/python');

const data = mkdtempSync(join(tmpdir(), 'vitrina-conformance-'));
let served: Served;
let grpcAddress: string;
beforeAll(async () => {
  served = await serve([folderOf({ echo: echoGraph(), scale: scaleGraph(3) }), '--grpc-port', '0'], data);
  grpcAddress = /gRPC: (\S+)\)/.exec(served.printed())![1]!;
});
afterAll(async () => {
  await served.stop();
  rmSync(data, { recursive: true });
});

/** Runs a script beside this file with both addresses and a key, and gives what it printed. */
async function run(python: string, script: string): Promise<{ code: number | null; printed: string }> {
  const address = served.url.replace('http://', '');
  const child = spawn(python, [join(import.meta.dirname, script), address, grpcAddress, served.key!]);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      printed += chunk;
    });
  }
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, printed };
}

const scripts = [
  [common, 'tritonclient_http.py'],
  [common, 'tritonclient_grpc.py'],
  [common, 'kserve_client.py'],
  [mlserver, 'mlserver_infer.py'],
] as const;

describe('clients of the Open Inference Protocol', () => {
  for (const [python, script] of scripts) {
    it.runIf(existsSync(python))(script, { timeout: 120_000 }, async () => {
      const { code, printed } = await run(python, script);
      expect(printed).toContain('all calls as they should be');
      expect(code).toBe(0);
    });
  }

  it('a plain client in Node, on the published proto', async () => {
    const includeDirs = [join(root, 'protocol')];
    const definition = loadSync('grpc_service.proto', { includeDirs, keepCase: true, longs: String });
    // biome-ignore lint/suspicious/noExplicitAny: what proto-loader makes has no types
    const { GRPCInferenceService } = loadPackageDefinition(definition).inference as any;
    const client = new GRPCInferenceService(grpcAddress, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${served.key}`);
    const request = {
      model_name: 'scale',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], contents: { fp32_contents: [1, 2, 3] } }],
    };
    const answer = await new Promise<{ outputs: { contents: { fp32_contents: number[] } }[] }>((resolve, reject) => {
      client.ModelInfer(request, metadata, (error: Error | null, given: never) =>
        error === null ? resolve(given) : reject(error),
      );
    });
    expect(answer.outputs[0]!.contents.fp32_contents).toEqual([2, 4, 6]);
    client.close();
  });
});
