/** The built program: what users and keys may use is exact, over processes, servers and doors. */

import { join } from 'node:path';
import { credentials, loadPackageDefinition, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaleGraph } from '../graphs.js';
import { PostgresServer } from '../postgres-server.js';
import { folderOf } from '../start-app.js';
import {
  classify,
  makeUser,
  type Place,
  post,
  postgresPlace,
  recordsOf,
  sqlitePlace,
  unitsOf,
  withServers,
} from './spam-servers.js';
import { root, run, type Served } from './spawn.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.create();
});
afterAll(() => server.stop());

const places: readonly { readonly kind: string; readonly make: () => Promise<Place> }[] = [
  { kind: 'sqlite', make: async () => sqlitePlace() },
  { kind: 'postgres', make: () => postgresPlace(server) },
];

// biome-ignore lint/suspicious/noExplicitAny: what proto-loader makes has no types
type Loose = any;
const definition = loadSync('grpc_service.proto', { includeDirs: [join(root, 'protocol')], keepCase: true });
const { GRPCInferenceService } = loadPackageDefinition(definition).inference as Loose;

/** What a caller over either door hears: `ok` or `refused`, or what else there was. */
type Ask = (key: string) => Promise<string>;

const overHttp =
  ({ url }: Served): Ask =>
  async (key) => {
    const { status, text, retryAfter } = await post(
      `${url}/models/scale/predict`,
      { inputs: { x: [[1, 2, 3]] } },
      { 'x-api-key': key },
    );
    if (status === 200) return 'ok';
    return status === 429 && Number(retryAfter) > 0 ? 'refused' : `${status} ${text}`;
  };

function overGrpc(served: Served): Ask {
  const address = /gRPC: (\S+)\)/.exec(served.printed())![1]!;
  const client = new GRPCInferenceService(address, credentials.createInsecure());
  const request = {
    model_name: 'scale',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], contents: { fp32_contents: [1, 2, 3] } }],
  };
  return (key) => {
    const metadata = new Metadata();
    metadata.set('x-api-key', key);
    return new Promise((resolve) =>
      client.ModelInfer(request, metadata, (error: ServiceError | null) => {
        const refused = error?.code === status.RESOURCE_EXHAUSTED && /quota|More than/.test(error.details);
        resolve(error === null ? 'ok' : refused ? 'refused' : error.message);
      }),
    );
  };
}

describe.each(places)('a hundred at once on $kind', ({ make }) => {
  it.each([
    ['two servers', [[], []]],
    ['two processes of one server', [['--workers', '2']]],
  ])('are ten predictions and ninety refusals, over %s', { timeout: 60_000 }, async (_what, flags) => {
    const only = flags.map((list) => ['--only', 'spam', ...list]);
    await withServers(await make(), only, async (servers, storage) => {
      const user = await makeUser(servers[0]!.url, 'ana');
      const texts = Array.from({ length: 100 }, (_, i) => `win a prize ${i}`);
      const answers = await Promise.all(texts.map((text, i) => classify(servers[i % servers.length]!.url, user, text)));
      const good = answers.filter(({ status }) => status === 200).map(({ text }) => JSON.parse(text));
      expect(good.map((one) => one.month_used_amount).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      const refused = answers.filter(({ status, retryAfter }) => status === 429 && Number(retryAfter) > 0);
      expect(refused).toHaveLength(90);
      expect(await recordsOf(storage)).toEqual(new Map([[user.id, 10]]));
      const recorded = await storage.db.selectFrom('spam_predictions').select('text').execute();
      expect(recorded.map(({ text }) => text).sort()).toEqual(good.map((one) => one.text_message).sort());
      expect(await unitsOf(storage, 'quota_counters')).toEqual(new Map([[`spam:${user.id}`, 10]]));
      expect(await unitsOf(storage, 'quota_reservations')).toEqual(new Map());
    });
  });

  it('of one key are as many as it may, over two servers and both doors', { timeout: 60_000 }, async () => {
    const place = await make();
    const flags = [folderOf({ scale: scaleGraph(3) }), '--grpc-port', '0'];
    await withServers(place, [flags, flags], async (servers, storage) => {
      const doors = servers.flatMap((served) => [overHttp(served), overGrpc(served)]);
      const makeKey = async (...limits: string[]) => {
        const data = place.env.VITRINA_DATABASE_URL === undefined ? ['--data', place.folder()] : [];
        const made = await run(['keys', 'create', '--scope', 'predict', '--json', ...limits, ...data], '', place.env);
        expect(made.code).toBe(0);
        return JSON.parse(made.stdout) as { key: string; id: string };
      };
      const outcomes = async (key: string, count: number) => {
        const heard = await Promise.all(Array.from({ length: count }, (_, i) => doors[i % doors.length]!(key)));
        return { ok: heard.filter((one) => one === 'ok').length, rest: new Set(heard.filter((one) => one !== 'ok')) };
      };
      const monthly = await makeKey('--monthly', '10');
      expect(await outcomes(monthly.key, 100)).toEqual({ ok: 10, rest: new Set(['refused']) });
      expect(await unitsOf(storage, 'quota_counters')).toEqual(new Map([[`key:${monthly.id}`, 10]]));
      expect(await unitsOf(storage, 'quota_reservations')).toEqual(new Map());
      // As long that no window's end within the test makes room.
      const rate = await makeKey('--rate', '5/10m');
      expect(await outcomes(rate.key, 40)).toEqual({ ok: 5, rest: new Set(['refused']) });
    });
  });
});
