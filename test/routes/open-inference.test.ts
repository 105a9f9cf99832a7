import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { divisionGraph, lookupGraph, scaleGraph, sumGraph, transposedGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

let started: StartedApp;
beforeAll(async () => {
  const transposed = { graph: transposedGraph() };
  const division = { graph: divisionGraph() };
  const graphs = { scale: scaleGraph(3), sum: sumGraph(), lookup: lookupGraph(), transposed, division };
  started = await startApp([folderOf(graphs)]);
});
afterAll(() => started.close());

const infer = (model: string, body: unknown) => started.post(`/v2/models/${model}/infer`, body);
const scaleInput = { name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] };

/** JSON, then raw tensors, as tritonclient sends them. */
async function inferRaw(model: string, json: unknown, raw: Buffer, headers: Record<string, string> = {}) {
  const head = Buffer.from(json === undefined ? '' : JSON.stringify(json));
  return started.app.inject({
    method: 'POST',
    url: `/v2/models/${model}/infer`,
    headers: {
      'x-api-key': started.key,
      'inference-header-content-length': String(head.length),
      'content-type': 'application/octet-stream',
      ...headers,
    },
    payload: Buffer.concat([head, raw]),
  });
}

describe('health and metadata', () => {
  it('answer without a key whether the server lives and is ready, and nothing else', async () => {
    for (const path of ['/v2/health/live', '/v2/health/ready']) {
      const answer = await started.app.inject(path);
      expect(answer.statusCode).toBe(200);
      expect(answer.json()).toEqual({ live: true, ready: true });
    }
    for (const path of ['/v2', '/v2/models/scale', '/v2/models/scale/ready', '/v2/models/scale/stats']) {
      const answer = await started.app.inject(path);
      expect(answer.statusCode, path).toBe(401);
      expect(answer.json()).toEqual({ error: expect.any(String) });
    }
  });

  it('name the server and the types of a model', async () => {
    expect((await started.get('/v2')).json()).toMatchObject({
      name: 'vitrina',
      extensions: expect.arrayContaining(['binary_tensor_data']),
    });
    expect((await started.get('/v2/models/sum/versions/1')).json()).toEqual({
      name: 'sum',
      versions: ['1'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
      outputs: [{ name: 'sum', datatype: 'FP32', shape: [-1] }],
    });
    expect((await started.get('/v2/models/scale/config')).json()).toMatchObject({
      name: 'scale',
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [3] }],
    });
    expect((await started.get('/v2/models/none')).json()).toEqual({ error: expect.stringContaining('none') });
  });

  it('list the repository', async () => {
    const index = (await started.post('/v2/repository/index', { ready: true })).json() as { name: string }[];
    expect(index.map(({ name }) => name)).toEqual(['division', 'lookup', 'scale', 'sum', 'transposed']);
    expect(index[1]).toEqual({ name: 'lookup', version: '1', state: 'READY', reason: '' });
  });
});

describe('infer', () => {
  it('answers JSON with JSON, flat data, and the caller’s id', async () => {
    const answer = await infer('scale', { id: 'mine', inputs: [scaleInput] });
    expect(answer.json()).toEqual({
      model_name: 'scale',
      model_version: '1',
      id: 'mine',
      outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3], data: [2, 4, 6] }],
    });
  });

  it('takes nested data, integers where nothing is lost, and a version', async () => {
    const body = {
      inputs: [
        {
          ...scaleInput,
          shape: [2, 3],
          datatype: 'INT16',
          data: [
            [1, 2, 3],
            [4, 5, 6],
          ],
        },
      ],
    };
    const answer = await started.post('/v2/models/scale/versions/1/infer', body);
    expect(answer.json().outputs[0].data).toEqual([2, 4, 6, 8, 10, 12]);
  });

  it('takes and gives raw tensors', async () => {
    const json = {
      inputs: [{ name: 'x', shape: [1, 3], datatype: 'FP32', parameters: { binary_data_size: 12 } }],
      outputs: [{ name: 'y', parameters: { binary_data: true } }],
    };
    const answer = await inferRaw('scale', json, Buffer.from(Float32Array.of(1, 2, 3).buffer));
    expect(answer.statusCode).toBe(200);
    const length = Number(answer.headers['inference-header-content-length']);
    const head = JSON.parse(answer.rawPayload.subarray(0, length).toString());
    expect(head.outputs).toEqual([
      { name: 'y', datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } },
    ]);
    expect([...new Float32Array(new Uint8Array(answer.rawPayload.subarray(length)).buffer)]).toEqual([2, 4, 6]);
  });

  it('takes one raw tensor alone, and answers raw', async () => {
    const answer = await inferRaw('scale', undefined, Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer));
    const length = Number(answer.headers['inference-header-content-length']);
    expect(JSON.parse(answer.rawPayload.subarray(0, length).toString()).outputs[0].shape).toEqual([2, 3]);
  });

  it('takes compressed bodies, up to the limit of the body', async () => {
    const body = { inputs: [scaleInput] };
    const post = (payload: Buffer) =>
      started.app.inject({
        method: 'POST',
        url: '/v2/models/scale/infer',
        headers: { 'x-api-key': started.key, 'content-encoding': 'gzip' },
        payload,
      });
    expect((await post(gzipSync(JSON.stringify(body)))).json().outputs[0].data).toEqual([2, 4, 6]);
    expect((await post(gzipSync(Buffer.alloc(2 ** 28)))).statusCode).toBe(413);
    expect((await post(Buffer.from('{}'))).statusCode).toBe(400);
  });

  it('gives the best classes of an output as texts', async () => {
    const body = { inputs: [scaleInput], outputs: [{ name: 'y', parameters: { classification: 2 } }] };
    expect((await infer('scale', body)).json().outputs).toEqual([
      { name: 'y', datatype: 'BYTES', shape: [1, 2], data: ['6:2', '4:1'] },
    ]);
  });

  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['a list', [], /body/],
    ['no inputs', {}, /inputs/],
    ['an unknown input', { inputs: [{ ...scaleInput, name: 'z' }] }, /the inputs are x/],
    ['an input twice', { inputs: [scaleInput, scaleInput] }, /second time/],
    ['an unknown type', { inputs: [{ ...scaleInput, datatype: 'FP8' }] }, /FP8/],
    ['a type that loses digits', { inputs: [{ ...scaleInput, datatype: 'FP64' }] }, /float64/],
    ['a shape of other size', { inputs: [{ ...scaleInput, shape: [1, 4] }] }, /has 3 elements/],
    ['a shape that is none', { inputs: [{ ...scaleInput, shape: [1, -3] }] }, /shape/],
    ['another width', { inputs: [{ ...scaleInput, shape: [3, 1] }] }, /expected float32/],
    ['a text among numbers', { inputs: [{ ...scaleInput, data: [1, 'b', 3] }] }, /data\[1\]/],
    [
      'bytes that are not there',
      { inputs: [{ ...scaleInput, data: undefined, parameters: { binary_data_size: 12 } }] },
      /0 bytes are left/,
    ],
    ['an unknown output', { inputs: [scaleInput], outputs: [{ name: 'q' }] }, /the outputs are y/],
    ['an output twice', { inputs: [scaleInput], outputs: [{ name: 'y' }, { name: 'y' }] }, /second time/],
    ['more dimensions than there can be', { inputs: [{ ...scaleInput, shape: Array(1000).fill(1) }] }, /dimensions/],
    ['shared memory', { inputs: [{ ...scaleInput, parameters: { shared_memory_region: 'r' } }] }, /shared memory/],
    ['a time that is none', { inputs: [scaleInput], parameters: { timeout: 'soon' } }, /microseconds/],
    ['no rows', { inputs: [{ ...scaleInput, shape: [0, 3], data: [] }] }, /no rows/],
  ];
  it.each(bad)('refuses %s', async (_what, body, message) => {
    const answer = await infer('scale', body);
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    expect(answer.statusCode).toBeLessThan(500);
    expect(answer.json().error).toMatch(message);
  });

  it('refuses rows without elements, which would end the process', async () => {
    const sized = (shape: number[]) => ({ name: 'x', shape, datatype: 'FP32' });
    const answer = await infer('transposed', { inputs: [{ ...sized([1, 2, 0]), data: [] }] });
    expect(answer.statusCode).toBe(422);
    expect(answer.json().error).toMatch(/inputs\.x: is float32\[1, 2, 0\], which has no elements/);
    const raw = { ...sized([1, 2, 0]), parameters: { binary_data_size: 0 } };
    expect((await inferRaw('transposed', { inputs: [raw] }, Buffer.alloc(0))).statusCode).toBe(422);
    const full = await infer('transposed', { inputs: [{ ...sized([1, 2, 1]), data: [1, 2] }] });
    expect(full.json().outputs[0]).toMatchObject({ shape: [1, 3, 2] });
  });

  it('computes in a process of its own what a request may end, and refuses that request alone', async () => {
    const [view] = (await started.get('/models/division')).json().versions;
    expect(view.placement.kind).toBe('process');
    expect(view.provenance.notes).toEqual([expect.stringMatching(/in a process of its own, since the operator Div/)]);
    const whole = (name: string) => ({
      name,
      shape: [1, 1],
      datatype: 'INT64',
      parameters: { binary_data_size: 8 },
    });
    const divide = (x: bigint, by: bigint) =>
      inferRaw('division', { inputs: [whole('x'), whole('by')] }, Buffer.from(BigInt64Array.of(x, by).buffer));
    const hostile = [-(2n ** 63n), -1n] as const;
    const answers = await Promise.all(
      ([[8n, 2n], hostile, [9n, 2n], hostile, [10n, 2n]] as const).map(([x, by]) => divide(x, by)),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 422, 200, 422, 200]);
    expect(answers.map((answer) => answer.json().outputs?.[0].data[0])).toEqual([4, undefined, 4, undefined, 5]);
    expect(answers[1]!.json().error).toMatch(/ONNX Runtime ended its process/);
  });

  it('never answers 5xx, whatever the bytes are', async () => {
    const word = fc.constantFrom(
      'inputs',
      'outputs',
      'name',
      'x',
      'shape',
      'datatype',
      'FP32',
      'BYTES',
      'data',
      'parameters',
      'binary_data_size',
      'id',
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        word,
        fc.integer(),
        fc.double(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(word, tie('any'), { maxKeys: 4 }),
      ),
    })).any;
    const body = fc.record(
      {
        inputs: fc.array(
          fc.record(
            {
              name: fc.constantFrom('x', 'y'),
              shape: value,
              datatype: fc.oneof(word, value),
              data: value,
              parameters: value,
            },
            { requiredKeys: ['name'] },
          ),
          { maxLength: 2 },
        ),
        outputs: value,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(body, fc.uint8Array({ maxLength: 20 }), async (json, raw) => {
        const answer = await inferRaw('scale', json, Buffer.from(raw));
        expect(answer.statusCode, answer.body).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the repository', () => {
  const control = (model: string, act: string, body: unknown = {}, headers = {}) =>
    started.post(`/v2/repository/models/${model}/${act}`, body, headers);
  const stateOf = async (model: string) =>
    ((await started.post('/v2/repository/index', {})).json() as { name: string; state: string; reason: string }[]).find(
      ({ name }) => name === model,
    );

  it('unloads and loads a model, as Triton does', async () => {
    expect((await control('sum', 'unload')).statusCode).toBe(200);
    expect(await stateOf('sum')).toMatchObject({ state: 'UNAVAILABLE', reason: expect.stringContaining('unloaded') });
    expect((await started.get('/v2/models/sum/ready')).statusCode).toBe(503);
    expect((await control('sum', 'load')).statusCode).toBe(200);
    expect((await control('sum', 'load')).statusCode).toBe(200);
    expect(await stateOf('sum')).toMatchObject({ state: 'READY', reason: '' });
    expect((await started.get('/v2/models/sum/ready')).statusCode).toBe(200);
  });

  it('is closed to who may only read or predict, and refuses what it does not take', async () => {
    const [admin] = await started.accounts.users.list('operator');
    const { key } = await started.accounts.keys.create(
      { userId: admin!.id, scopes: ['models:read', 'predict'] },
      'operator',
    );
    for (const act of ['load', 'unload']) {
      const refused = await control('sum', act, {}, { authorization: `Bearer ${key}` });
      expect(refused.statusCode).toBe(403);
      expect((await control('absent', act)).statusCode).toBe(404);
    }
    const override = await control('sum', 'load', { parameters: { config: '{}' } });
    expect(override.statusCode).toBe(422);
    expect(override.json().error).toContain('parameters.config');
  });
});

describe('statistics', () => {
  it('count what was answered and what the runtime refused', async () => {
    const before = (await started.get('/v2/models/lookup/stats')).json().model_stats[0];
    const body = (index: number) => ({ inputs: [{ name: 'i', shape: [1, 1], datatype: 'INT64', data: [index] }] });
    expect((await infer('lookup', body(2))).json().outputs[0].data).toEqual([20]);
    expect((await infer('lookup', body(9))).statusCode).toBe(422);
    const after = (await started.get('/v2/models/lookup/stats')).json().model_stats[0];
    expect(after.inference_stats.success.count).toBe(before.inference_stats.success.count + 1);
    expect(after.inference_stats.fail.count).toBe(before.inference_stats.fail.count + 1);
    expect(after.last_inference).toBeGreaterThan(Date.now() - 60_000);
    expect(after.batch_stats[0].batch_size).toBe(1);
    expect((await started.get('/v2/models/stats')).json().model_stats).toHaveLength(5);
  });
});
