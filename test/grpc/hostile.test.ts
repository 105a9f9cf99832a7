/** Messages that no honest client sends: each is refused as the caller's fault, and the server goes on. */
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { decodeInfer } from '../../src/grpc/infer.js';
import { lookupGraph, scaleGraph, transposedGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';
import { keyed, type Message, type StartedGrpc, startGrpc } from './start-grpc.js';

let grpc: StartedGrpc;
beforeAll(async () => {
  grpc = await startGrpc([
    folderOf({ scale: scaleGraph(3), lookup: lookupGraph(), transposed: { graph: transposedGraph() } }),
  ]);
});
afterAll(() => grpc.close());

const x = { name: 'x', datatype: 'FP32', shape: [1, 3] };
const typed = { ...x, contents: { fp32_contents: [1, 2, 3] } };
const raw = Buffer.from(Float32Array.of(1, 2, 3).buffer);
const infer = (message: Message) => grpc.fail('ModelInfer', { model_name: 'scale', ...message });

describe('a message that is refused', () => {
  const bad: readonly (readonly [string, Message, RegExp])[] = [
    ['no inputs', {}, /inputs\.x: is missing/],
    ['an input without a name', { inputs: [{ ...typed, name: '' }] }, /inputs\[0\]\.name: is ""/],
    ['an input twice', { inputs: [typed, typed] }, /second time/],
    ['an unknown type', { inputs: [{ ...typed, datatype: 'FP8' }] }, /FP8/],
    ['no type', { inputs: [{ ...typed, datatype: '' }] }, /expected one of BOOL/],
    ['a negative size', { inputs: [{ ...typed, shape: [-1, 3] }] }, /expected a list of sizes/],
    ['a size beyond 2^53', { inputs: [{ ...typed, shape: ['9007199254740993', 3] }] }, /expected a list of sizes/],
    ['sizes whose product overflows', { inputs: [{ ...typed, shape: Array(40).fill(2 ** 40) }] }, /more elements/],
    ['a hundred thousand dimensions', { inputs: [{ ...typed, shape: Array(100_000).fill(1) }] }, /dimensions/],
    ['more elements than the shape', { inputs: [{ ...typed, shape: [1, 2] }] }, /has 3 elements/],
    ['another width', { inputs: [{ ...typed, shape: [3, 1] }] }, /expected float32\[\?, 3\]/],
    ['typed elements beside raw ones', { inputs: [typed], raw_input_contents: [raw] }, /contents beside/],
    ['too many raw tensors', { inputs: [x], raw_input_contents: [raw, raw] }, /has 2 entries/],
    ['too few raw bytes', { inputs: [x], raw_input_contents: [raw.subarray(1)] }, /has 11 bytes/],
    ['neither', { inputs: [x] }, /has 0 elements in fp32_contents/],
    ['elements in the field of another type', { inputs: [{ ...x, contents: { fp64_contents: [1, 2, 3] } }] }, /fp64/],
    ['FP16 in a typed field', { inputs: [{ ...typed, datatype: 'FP16' }] }, /raw_input_contents/],
    [
      'a number that its type cannot hold',
      { inputs: [{ ...x, datatype: 'INT8', contents: { int_contents: [1, 2, 300] } }] },
      /300 is outside/,
    ],
    [
      'a type that loses digits',
      { inputs: [{ ...x, datatype: 'FP64', contents: { fp64_contents: [1, 2, 3] } }] },
      /without loss/,
    ],
    ['an unknown output', { inputs: [typed], outputs: [{ name: 'q' }] }, /the outputs are y/],
    ['an output ten thousand times', { inputs: [typed], outputs: Array(9_000).fill({ name: 'y' }) }, /second time/],
    [
      'more outputs than there can be',
      { inputs: [typed], outputs: Array(20_000).fill({ name: 'y' }) },
      /more than 10000 outputs/,
    ],
    [
      'classes that are no number',
      { inputs: [typed], outputs: [{ name: 'y', parameters: { classification: { string_param: 'all' } } }] },
      /number of classes/,
    ],
    [
      'shared memory',
      { inputs: [{ ...x, parameters: { shared_memory_region: { string_param: 'r' } } }] },
      /shared memory/,
    ],
    ['no rows', { inputs: [{ ...x, shape: [0, 3], contents: {} }] }, /no rows/],
    [
      'rows without elements',
      { model_name: 'transposed', inputs: [{ ...x, shape: [1, 2, 0] }], raw_input_contents: [Buffer.alloc(0)] },
      /which has no elements/,
    ],
    [
      'too many rows',
      { inputs: [{ ...x, shape: [10_001, 3] }], raw_input_contents: [Buffer.alloc(10_001 * 12)] },
      /10001 rows/,
    ],
    ['a negative time', { inputs: [typed], parameters: { timeout: { int64_param: -5 } } }, /microseconds/],
  ];
  it.each(bad)('%s', async (_what, message, text) => {
    const error = await infer(message);
    const expected =
      error.metadata.get('vitrina-code')[0] === 'rows-over-limit' ? 'RESOURCE_EXHAUSTED' : 'INVALID_ARGUMENT';
    expect(status[error.code], error.details).toBe(expected);
    expect(error.details).toMatch(text);
  });

  it('names a model that is not there, however long its name is', async () => {
    for (const name of ['absent', 'é'.repeat(200_000), '\u{1f600}'.repeat(100_000), '%'.repeat(9_000), '__proto__']) {
      const error = await grpc.fail('ModelInfer', { model_name: name, inputs: [typed] });
      expect(status[error.code], name.slice(0, 10)).toBe('NOT_FOUND');
      expect(error.details.length).toBeLessThan(5_000);
      expect(error.details).toContain(name.slice(0, 6));
    }
    expect((await grpc.fail('ModelMetadata', { name: 'y'.repeat(10_000) })).code).toBe(status.NOT_FOUND);
    expect((await grpc.fail('ModelMetadata', { name: 'scale', version: 'z'.repeat(10_000) })).code).toBe(
      status.NOT_FOUND,
    );
  });

  it('is larger than the limit', async () => {
    const error = await infer({ inputs: [x], raw_input_contents: [Buffer.alloc(2 ** 20)] });
    expect(status[error.code]).toBe('RESOURCE_EXHAUSTED');
  });
});

describe('bytes that are no message', () => {
  /** One unary call with these bytes, past every encoder. */
  function send(
    path: string,
    body: Buffer,
    headers: Record<string, string> = {},
    end = true,
  ): Promise<IncomingHttpHeaders> {
    return new Promise((resolve, reject) => {
      const session = connect(`http://${grpc.address}`);
      session.on('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'x-api-key': grpc.started.key,
        ...headers,
      });
      let head: IncomingHttpHeaders = {};
      stream.on('response', (given) => (head = given));
      stream.on('trailers', (given) => (head = { ...head, ...given }));
      stream.on('error', reject);
      stream.on('end', () => stream.close());
      stream.on('close', () => {
        session.destroy();
        resolve(head);
      });
      stream.resume();
      stream.write(body);
      if (end) stream.end();
    });
  }
  const framed = (message: Buffer, compressed = 0) => {
    const head = Buffer.alloc(5);
    head[0] = compressed;
    head.writeUInt32BE(message.length, 1);
    return Buffer.concat([head, message]);
  };
  const code = (headers: IncomingHttpHeaders) => status[Number(headers['grpc-status'])];
  const inference = '/inference.GRPCInferenceService';

  it('are the caller’s fault for every method', async () => {
    const garbage = Buffer.alloc(3, 0xff);
    const methods = [
      'ModelInfer',
      'ModelReady',
      'ModelConfig',
      'ModelStatistics',
      'RepositoryIndex',
      'RepositoryModelLoad',
    ];
    for (const method of methods) {
      expect(code(await send(`${inference}/${method}`, framed(garbage))), method).toBe('INVALID_ARGUMENT');
    }
    for (const method of ['Check', 'Watch']) {
      expect(code(await send(`/grpc.health.v1.Health/${method}`, framed(garbage))), method).toBe('INVALID_ARGUMENT');
    }
  });

  it('are refused before they are read when nobody may send them', async () => {
    const answer = await send(`${inference}/ModelInfer`, framed(Buffer.alloc(100)), { 'x-api-key': 'vtr_none' });
    expect(code(answer)).toBe('UNAUTHENTICATED');
    expect(answer['vitrina-code']).toBe('token-invalid');
    expect(code(await send('/inference.GRPCInferenceService/Absent', framed(Buffer.alloc(0))))).toBe('UNIMPLEMENTED');
  });

  it('are waited for so long, and no longer', async () => {
    const whole = framed(Buffer.alloc(100));
    const answer = await send(`${inference}/ModelReady`, whole.subarray(0, 50), {}, false);
    expect(code(answer)).toBe('DEADLINE_EXCEEDED');
    expect(answer['vitrina-code']).toBe('message-too-slow');
  });

  it('are refused when they inflate beyond the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(2 ** 26));
    const answer = await send(`${inference}/ModelInfer`, framed(bomb, 1), { 'grpc-encoding': 'gzip' });
    expect(code(answer)).toBe('RESOURCE_EXHAUSTED');
  });

  it('are never a fault of the server, whatever they are', async () => {
    const methods = ['ModelInfer', 'ModelReady', 'ModelMetadata', 'RepositoryModelUnload', 'RepositoryIndex'];
    const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), bytes, async (method, message) => {
        const answered = code(await send(`${inference}/${method}`, framed(message)));
        expect(['OK', 'INVALID_ARGUMENT', 'NOT_FOUND']).toContain(answered);
      }),
      { numRuns: 150 },
    );
  });

  it('are decoded or refused, and nothing else, when a good message is damaged', () => {
    const good = Buffer.from(
      '0a057363616c6512013122026964' +
        '2a1f0a017812044650333218011803' +
        '2210' +
        '0a0774696d656f7574120510e8070000' +
        '2a04320c0000803f0000004000004040',
      'hex',
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, end) => {
        const damaged = Buffer.from(good);
        damaged[at] = byte;
        try {
          decodeInfer(damaged.subarray(0, end));
        } catch (error) {
          expect(error).toBeInstanceOf(VitrinaError);
          expect((error as VitrinaError).status).toBe(400);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('pass where they are fields that nobody knows', () => {
    const unknown = Buffer.from(
      'f80601' + 'f906' + '0000000000000000' + 'fa0603616263' + 'fd0600000000' + 'fb060801fc06',
      'hex',
    );
    const message = Buffer.concat([unknown, Buffer.from('0a017a', 'hex'), unknown]);
    expect(decodeInfer(message)).toMatchObject({ model_name: 'z', inputs: [] });
  });
});

it('the server answers after all that', async () => {
  const answer = await grpc.ask('ModelInfer', { model_name: 'scale', inputs: [typed] }, keyed(grpc.started.key));
  expect(answer.outputs[0].contents.fp32_contents).toEqual([2, 4, 6]);
});
