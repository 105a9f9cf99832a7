/** Every call of the service but predictions, and what all calls have in common: keys, ids, deadlines, the end. */
import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookupGraph, scaleGraph, sumGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';
import { keyed, type Message, type StartedGrpc, startGrpc } from './start-grpc.js';

let grpc: StartedGrpc;
beforeAll(async () => {
  grpc = await startGrpc([folderOf({ scale: scaleGraph(3), sum: sumGraph(), lookup: lookupGraph() })]);
});
afterAll(() => grpc.close());

const x = { name: 'x', datatype: 'FP32', shape: [1, 3], contents: { fp32_contents: [1, 2, 3] } };
const nobody = new Metadata();

describe('what the server tells', () => {
  it('of itself', async () => {
    expect(await grpc.ask('ServerLive', {}, nobody)).toEqual({ live: true });
    expect(await grpc.ask('ServerReady', {}, nobody)).toEqual({ ready: true });
    expect(await grpc.ask('ServerMetadata', {})).toMatchObject({
      name: 'vitrina',
      extensions: expect.arrayContaining(['model_repository', 'statistics']),
    });
  });

  it('of a model', async () => {
    expect(await grpc.ask('ModelReady', { name: 'scale' })).toEqual({ ready: true });
    expect(await grpc.ask('ModelReady', { name: 'scale', version: '7' })).toEqual({ ready: false });
    expect(await grpc.ask('ModelReady', { name: 'absent' })).toEqual({ ready: false });
    expect(await grpc.ask('ModelMetadata', { name: 'sum', version: '1' })).toEqual({
      name: 'sum',
      versions: ['1'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'x', datatype: 'FP32', shape: ['-1', '-1'] }],
      outputs: [{ name: 'sum', datatype: 'FP32', shape: ['-1'] }],
    });
    const { config } = await grpc.ask('ModelConfig', { name: 'scale' });
    expect(config).toMatchObject({ name: 'scale', backend: 'onnxruntime' });
    expect(config.input[0]).toMatchObject({ name: 'x', dims: ['3'] });
    expect(config.max_batch_size).toBeGreaterThan(1);
  });

  it('of what was computed, as over HTTP', async () => {
    await grpc.ask('ModelInfer', { model_name: 'scale', inputs: [x] });
    const [one] = (await grpc.ask('ModelStatistics', { name: 'scale' })).model_stats;
    expect(Number(one.inference_stats.success.count)).toBeGreaterThan(0);
    const [told] = (await grpc.started.get('/v2/models/scale/stats')).json().model_stats;
    expect(Number(one.inference_count)).toBe(told.inference_count);
    expect((await grpc.ask('ModelStatistics', {})).model_stats).toHaveLength(3);
  });

  it('of all calls, in its metrics, whatever callers send', async () => {
    await grpc.fail('ModelInfer', { model_name: 'absent' });
    await grpc.fail('ModelInfer', { model_name: 'scale' }, nobody);
    const metrics = (await grpc.started.get('/metrics')).body;
    for (const status of [200, 401, 404]) {
      const labels = `route="/inference.GRPCInferenceService/ModelInfer",method="gRPC",status="${status}"`;
      expect(metrics).toContain(`vitrina_http_requests_total{${labels}}`);
    }
    expect(metrics).not.toContain('absent');
  });

  it('of what it does not do', async () => {
    for (const method of ['SystemSharedMemoryStatus', 'CudaSharedMemoryRegister', 'TraceSetting', 'LogSettings']) {
      expect((await grpc.fail(method, {})).code, method).toBe(status.UNIMPLEMENTED);
      expect((await grpc.fail(method, {}, nobody)).code, method).toBe(status.UNAUTHENTICATED);
    }
  });
});

describe('the repository', () => {
  it('unloads and loads a model', async () => {
    const index = async (request = {}) => (await grpc.ask('RepositoryIndex', request)).models;
    expect(await index()).toContainEqual({ name: 'lookup', version: '1', state: 'READY', reason: '' });
    expect(await grpc.ask('RepositoryModelUnload', { model_name: 'lookup' })).toEqual({});
    expect(await index()).toContainEqual({
      name: 'lookup',
      version: '1',
      state: 'UNAVAILABLE',
      reason: expect.stringContaining('unloaded'),
    });
    expect((await index({ ready: true })).map(({ name }: Message) => name)).toEqual(['scale', 'sum']);
    expect(await grpc.ask('ModelReady', { name: 'lookup' })).toEqual({ ready: false });
    expect((await grpc.fail('ModelInfer', { model_name: 'lookup' })).code).toBe(status.UNAVAILABLE);
    expect(await grpc.ask('RepositoryModelLoad', { model_name: 'lookup' })).toEqual({});
    expect(await grpc.ask('ModelReady', { name: 'lookup' })).toEqual({ ready: true });
    expect(await grpc.ask('RepositoryModelLoad', { model_name: 'lookup' }), 'again').toEqual({});
  });

  it('refuses what is not there, and what it does not take', async () => {
    for (const method of ['RepositoryModelLoad', 'RepositoryModelUnload']) {
      expect((await grpc.fail(method, { model_name: 'absent' })).code).toBe(status.NOT_FOUND);
      expect((await grpc.fail(method, {})).code).toBe(status.NOT_FOUND);
    }
    const error = await grpc.fail('RepositoryModelLoad', {
      model_name: 'scale',
      parameters: { config: { string_param: '{}' } },
    });
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toContain('parameters.config');
  });
});

describe('a key', () => {
  it('opens what it is for, and nothing else', async () => {
    const { accounts } = grpc.started;
    const [admin] = await accounts.users.list('operator');
    const make = async (...scopes: string[]) => {
      const { key } = await accounts.keys.create({ userId: admin!.id, scopes }, 'operator');
      return keyed(key);
    };
    const cases: readonly (readonly [string, Message, string])[] = [
      ['ServerMetadata', {}, 'models:read'],
      ['ModelReady', { name: 'scale' }, 'models:read'],
      ['ModelMetadata', { name: 'scale' }, 'models:read'],
      ['ModelConfig', { name: 'scale' }, 'models:read'],
      ['ModelStatistics', {}, 'models:read'],
      ['RepositoryIndex', {}, 'models:read'],
      ['RepositoryModelLoad', { model_name: 'sum' }, 'models:write'],
      ['RepositoryModelUnload', { model_name: 'lookup' }, 'models:write'],
      ['ModelInfer', { model_name: 'scale', inputs: [x] }, 'predict'],
    ];
    const scopes = ['models:read', 'models:write', 'predict'];
    const keys = new Map<string, Metadata>();
    for (const scope of scopes) keys.set(scope, await make(scope));
    for (const [method, request, needed] of cases) {
      const anonymous = await grpc.fail(method, request, nobody);
      expect(status[anonymous.code], method).toBe('UNAUTHENTICATED');
      expect(anonymous.metadata.get('vitrina-code')).toEqual(['unauthenticated']);
      for (const scope of scopes.filter((other) => other !== needed)) {
        const refused = await grpc.fail(method, request, keys.get(scope));
        expect(status[refused.code], `${method} with ${scope}`).toBe('PERMISSION_DENIED');
      }
      await grpc.ask(method, request, keys.get(needed));
    }
    await grpc.ask('RepositoryModelLoad', { model_name: 'lookup' });
  });

  it('comes as a bearer or alone, once', async () => {
    const bearer = new Metadata();
    bearer.set('authorization', `Bearer ${grpc.started.key}`);
    expect(await grpc.ask('ModelReady', { name: 'scale' }, bearer)).toEqual({ ready: true });
    bearer.set('x-api-key', grpc.started.key);
    expect((await grpc.fail('ModelReady', { name: 'scale' }, bearer)).code).toBe(status.INVALID_ARGUMENT);
    expect((await grpc.fail('ModelReady', {}, keyed('vtr_wrong'))).code).toBe(status.UNAUTHENTICATED);
  });
});

describe('a call', () => {
  it('is named by its id', async () => {
    const named = keyed(grpc.started.key);
    named.set('x-request-id', 'mine-1');
    const call = grpc.client().ModelReady({ name: 'scale' }, named, () => undefined);
    const echoed = await new Promise<Metadata>((resolve) => call.once('metadata', resolve));
    expect(echoed.get('x-request-id')).toEqual(['mine-1']);
    const error = await grpc.fail('ModelMetadata', { name: 'absent' }, named);
    expect(error.metadata.get('x-request-id')).toEqual(['mine-1']);
    named.set('x-request-id', 'not harmless in a log');
    expect((await grpc.fail('ModelMetadata', { name: 'absent' }, named)).metadata.get('x-request-id')).not.toContain(
      'not harmless in a log',
    );
  });

  it('says how its batch came about, when it is asked', async () => {
    const asking = keyed(grpc.started.key);
    asking.set('x-explain', 'batch');
    const call = grpc.client().ModelInfer({ model_name: 'scale', inputs: [x] }, asking, () => undefined);
    const told = await new Promise<Metadata>((resolve) => call.once('metadata', resolve));
    expect(told.get('x-batch')[0]).toMatch(/^rows=1; closed=\w+; placement=inline; priority=normal$/);
    expect(told.get('server-timing')[0]).toMatch(/^queue;dur=[\d.]+, run;dur=[\d.]+$/);
    asking.set('x-explain', 'everything');
    expect((await grpc.fail('ModelInfer', {}, asking)).code).toBe(status.INVALID_ARGUMENT);
  });

  it('has its deadline, that of the call or that of the request', async () => {
    const past = await grpc.fail('ModelInfer', { model_name: 'scale', inputs: [x] }, grpc.admin, { deadline: 1 });
    expect(past.code).toBe(status.DEADLINE_EXCEEDED);
    const parameters = { timeout: { int64_param: 1 } };
    const short = await grpc.fail('ModelInfer', { model_name: 'scale', inputs: [x], parameters });
    expect(short.code).toBe(status.DEADLINE_EXCEEDED);
    expect(short.metadata.get('vitrina-code')[0]).toMatch(/deadline/);
    const long = { timeout: { int64_param: 60_000_000 } };
    await grpc.ask('ModelInfer', { model_name: 'scale', inputs: [x], parameters: long }, grpc.admin, {
      deadline: Date.now() + 60_000,
    });
  });

  it('that was cancelled costs nothing more', async () => {
    const before = (await grpc.ask('ModelStatistics', { name: 'scale' })).model_stats[0];
    const client = grpc.client();
    const codes = await Promise.all(
      Array.from(
        { length: 20 },
        () =>
          new Promise<status | undefined>((resolve) => {
            const call = client.ModelInfer({ model_name: 'scale', inputs: [x] }, grpc.admin, (error: Message) =>
              resolve(error?.code),
            );
            call.cancel();
          }),
      ),
    );
    expect(new Set(codes)).toEqual(new Set([status.CANCELLED]));
    const after = (await grpc.ask('ModelStatistics', { name: 'scale' })).model_stats[0];
    expect(Number(after.inference_count) - Number(before.inference_count)).toBeLessThan(20);
  });
});

describe('health', () => {
  const client = () => grpc.client('grpc.health.v1.Health', 'health.proto');
  const check = (service: string) =>
    new Promise<Message>((resolve) => {
      client().Check({ service }, (error: Message, answer: Message) => resolve(error ?? answer));
    });

  it('is told to anybody, for the services that there are', async () => {
    expect(await check('')).toEqual({ status: 1 });
    expect(await check('inference.GRPCInferenceService')).toEqual({ status: 1 });
    expect((await check('other')).code).toBe(status.NOT_FOUND);
  });

  it('is watched until the server stops', async () => {
    const own = await startGrpc([folderOf({ scale: scaleGraph(3) })]);
    const told: number[] = [];
    const watch = own.client('grpc.health.v1.Health', 'health.proto').Watch({ service: '' });
    watch.on('error', () => undefined);
    watch.on('data', (answer: Message) => told.push(answer.status));
    await new Promise((first) => watch.once('data', first));
    const ended = new Promise((end) => watch.once('end', end));
    await own.server.stop(2_000);
    await ended;
    expect(told).toEqual([1, 2]);
    await own.close();
  });
});

describe('a server that stops', () => {
  it('answers what it took', async () => {
    const own = await startGrpc([folderOf({ scale: scaleGraph(3) })]);
    const stream = own.client().ModelStreamInfer(own.admin);
    const answers: Message[] = [];
    stream.on('data', (answer: Message) => answers.push(answer));
    const failed = new Promise<Message>((resolve) => stream.once('error', resolve));
    stream.write({ model_name: 'scale', id: 'a', inputs: [x] });
    await new Promise((first) => stream.once('data', first));
    const unary = Array.from({ length: 50 }, () => own.ask('ModelInfer', { model_name: 'scale', inputs: [x] }));
    await unary[0];
    const stopped = own.server.stop(5_000);
    for (const answer of await Promise.all(unary)) expect(answer.outputs).toHaveLength(1);
    expect((await failed).code).toBe(status.UNAVAILABLE);
    await stopped;
    expect((await own.fail('ServerLive', {}, nobody, { deadline: Date.now() + 2_000 })).code).toBeGreaterThan(0);
    await own.close();
  });
});
