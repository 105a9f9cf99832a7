/** The gRPC door of the built program: in one process and in several, and when it is told to stop. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { describe, expect, it } from 'vitest';
import { scaleGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';
import { freshFolder, root, run, type Served, serve } from './spawn.js';

// biome-ignore lint/suspicious/noExplicitAny: what proto-loader makes has no types
type Loose = any;

const definition = loadSync('grpc_service.proto', { includeDirs: [join(root, 'protocol')], keepCase: true });
const { GRPCInferenceService } = loadPackageDefinition(definition).inference as Loose;
const request = {
  model_name: 'scale',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], contents: { fp32_contents: [1, 2, 3] } }],
};

function clientOf(served: Served): (method: string, message: object) => Promise<Loose> {
  const address = /gRPC: (\S+)\)/.exec(served.printed())![1]!;
  // A connection of its own for each, so that they reach different processes.
  const client = new GRPCInferenceService(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const metadata = new Metadata();
  metadata.set('x-api-key', served.key!);
  return (method, message) =>
    new Promise((resolve, reject) => {
      client[method](message, metadata, (error: ServiceError | null, answer: Loose) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
}

const start = (...flags: string[]) =>
  serve(
    [folderOf({ scale: scaleGraph(3) }), '--grpc-port', '0', ...flags],
    mkdtempSync(join(tmpdir(), 'vitrina-grpc-')),
  );

describe('the gRPC door', () => {
  it.each([
    ['one process', []],
    ['three processes', ['--workers', '3']],
  ] as const)('of %s answers what it took before it stops', { timeout: 90_000 }, async (_what, flags) => {
    const served = await start(...flags);
    const clients = Array.from({ length: 6 }, () => clientOf(served));
    for (const ask of clients) expect((await ask('ModelInfer', request)).outputs[0].contents.fp32_contents[2]).toBe(6);
    await clients[0]!('RepositoryModelUnload', { model_name: 'scale' });
    for (const ask of clients) expect((await ask('ModelReady', { name: 'scale' })).ready).toBe(false);
    await clients[1]!('RepositoryModelLoad', { model_name: 'scale' });
    for (const ask of clients) expect((await ask('ModelReady', { name: 'scale' })).ready).toBe(true);
    let answered = 0;
    const failures: ServiceError[] = [];
    let stopping = false;
    const loops = clients.map(async (ask) => {
      for (;;) {
        try {
          await ask('ModelInfer', request);
          answered++;
        } catch (error) {
          failures.push(error as ServiceError);
        }
        if (stopping) return;
      }
    });
    await new Promise((soon) => setTimeout(soon, 300));
    stopping = true;
    const stopped = served.stop();
    await Promise.all(loops);
    expect((await stopped).code).toBe(0);
    expect(answered).toBeGreaterThan(clients.length);
    expect(failures.map(({ message }) => message)).toEqual([]);
  });

  it('is not opened beside an app that is served alone', { timeout: 60_000 }, async () => {
    const { code, stderr } = await run([
      'serve',
      join(root, 'examples/models'),
      '--only',
      'shock',
      '--port',
      '0',
      '--grpc-port',
      '0',
      '--data',
      freshFolder(),
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('grpc-port');
  });
});
