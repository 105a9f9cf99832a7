/** Tensors of every type, both ways, over the wire. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentsFields } from '../../src/grpc/message-elements.js';
import { datatypeOf } from '../../src/services/open-inference/datatypes.js';
import { type DataType, dataTypes } from '../../src/tensor.js';
import { echoGraph, scaleGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';
import { type Message, type StartedGrpc, startGrpc } from './start-grpc.js';

let grpc: StartedGrpc;
beforeAll(async () => {
  const ones = Object.fromEntries(dataTypes.map((dtype) => [`echo-${dtype}`, echoGraph([dtype])]));
  grpc = await startGrpc([folderOf({ ...ones, echo: echoGraph(), scale: scaleGraph(3) })]);
});
afterAll(() => grpc.close());

const integers = (min: bigint, max: bigint) => fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n));
/** Elements of each type, as the client writes them into typed fields. */
const elements: Readonly<Record<DataType, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  int8: integers(-128n, 127n).map(Number),
  int16: integers(-32_768n, 32_767n).map(Number),
  int32: integers(-(2n ** 31n), 2n ** 31n - 1n).map(Number),
  int64: integers(-(2n ** 63n), 2n ** 63n - 1n).map(String),
  uint8: integers(0n, 255n).map(Number),
  uint16: integers(0n, 65_535n).map(Number),
  uint32: integers(0n, 2n ** 32n - 1n).map(Number),
  uint64: integers(0n, 2n ** 64n - 1n).map(String),
  float16: fc.integer({ min: 0, max: 0x7bff }),
  float32: fc.float(),
  float64: fc.double(),
  string: fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
};

/** Little-endian bytes of the elements of one tensor, by NumPy's rules and Triton's for texts. */
function rawOf(dtype: DataType, values: readonly unknown[]): Buffer {
  const parts = values.map((value) => {
    const bytes = Buffer.alloc(8);
    switch (dtype) {
      case 'string': {
        const text = Buffer.from(value as string, 'utf8');
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.length);
        return Buffer.concat([length, text]);
      }
      case 'bool':
        return Buffer.of(value === true ? 1 : 0);
      case 'float32':
        return bytes.subarray(0, bytes.writeFloatLE(value as number));
      case 'float64':
        return bytes.subarray(0, bytes.writeDoubleLE(value as number));
      case 'int64':
        return bytes.subarray(0, bytes.writeBigInt64LE(BigInt(value as string)));
      case 'uint64':
        return bytes.subarray(0, bytes.writeBigUInt64LE(BigInt(value as string)));
      case 'float16':
        return bytes.subarray(0, bytes.writeUInt16LE(value as number));
      default: {
        const size = Number(dtype.replace(/\D/g, '')) / 8;
        return dtype.startsWith('u')
          ? bytes.subarray(0, bytes.writeUIntLE(value as number, 0, size))
          : bytes.subarray(0, bytes.writeIntLE(value as number, 0, size));
      }
    }
  });
  return Buffer.concat(parts);
}

const typedOf = (dtype: DataType, values: readonly unknown[]): Message => ({
  [contentsFields[dtype]!]: dtype === 'string' ? values.map((text) => Buffer.from(text as string, 'utf8')) : values,
});

const input = (dtype: DataType, values: readonly unknown[]) => ({
  name: dtype,
  datatype: datatypeOf(dtype),
  shape: [values.length / 2, 2],
});

const askFor = (dtype: DataType, message: Message) =>
  grpc.ask('ModelInfer', { model_name: `echo-${dtype}`, ...message });

describe('a tensor of each type', () => {
  it.each(dataTypes)('%s comes back as it went, raw and typed', async (dtype) => {
    const rows = fc.array(fc.tuple(elements[dtype], elements[dtype]), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(rows, async (pairs) => {
        const values = pairs.flat();
        const bytes = rawOf(dtype, values);
        const raw = await askFor(dtype, { inputs: [input(dtype, values)], raw_input_contents: [bytes] });
        expect(raw.outputs[0]).toMatchObject({
          name: `echo_${dtype}`,
          datatype: datatypeOf(dtype),
          shape: [`${pairs.length}`, '2'],
        });
        expect(raw.raw_output_contents).toEqual([bytes]);
        if (contentsFields[dtype] === undefined) return;
        const typed = await askFor(dtype, { inputs: [{ ...input(dtype, values), contents: typedOf(dtype, values) }] });
        expect(typed.raw_output_contents).toEqual([]);
        const [field, expected] = Object.entries(typedOf(dtype, values))[0]!;
        expect(typed.outputs[0].contents[field]).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  it('comes with those of the other types in one request', async () => {
    const values: Record<string, unknown[]> = {
      float16: [0x3c00, 0xc000],
      float32: [1.5, -2],
      float64: [0.1, 1e300],
      int8: [-128, 127],
      int16: [-1, 1],
      int32: [-2, 2],
      int64: ['-9223372036854775808', '9007199254740993'],
      uint8: [0, 255],
      uint16: [0, 65_535],
      uint32: [0, 4_294_967_295],
      uint64: ['0', '18446744073709551615'],
      bool: [true, false],
      string: ['', 'é\u{1f600}'],
    };
    const raw_input_contents = dataTypes.map((dtype) => rawOf(dtype, values[dtype]!));
    const answer = await grpc.ask('ModelInfer', {
      model_name: 'echo',
      inputs: dataTypes.map((dtype) => input(dtype, values[dtype]!)),
      raw_input_contents,
    });
    expect(answer.raw_output_contents).toEqual(raw_input_contents);
    const typed = await grpc.ask('ModelInfer', {
      model_name: 'echo',
      inputs: dataTypes.map((dtype) => input(dtype, values[dtype]!)),
      raw_input_contents,
      parameters: { binary_data_output: { bool_param: false } },
      outputs: [{ name: 'echo_uint64' }, { name: 'echo_string' }],
    });
    expect(typed.outputs[0].contents.uint64_contents).toEqual(values.uint64);
    expect(typed.outputs[1].contents.bytes_contents.map(String)).toEqual(values.string);
  });
});

describe('what a request asks for', () => {
  const x = { name: 'x', datatype: 'FP32', shape: [2, 3] };
  const raw_input_contents = [rawOf('float32', [1, 2, 3, 6, 5, 4])];

  it('is answered in its own version, with its own id', async () => {
    const answer = await grpc.ask('ModelInfer', {
      model_name: 'scale',
      model_version: '1',
      id: 'ü-7',
      inputs: [x],
      raw_input_contents,
    });
    expect(answer).toMatchObject({ model_name: 'scale', model_version: '1', id: 'ü-7' });
    expect(answer.raw_output_contents).toEqual([rawOf('float32', [2, 4, 6, 12, 10, 8])]);
  });

  it('may be the best classes', async () => {
    const outputs = [{ name: 'y', parameters: { classification: { int64_param: 2 } } }];
    const answer = await grpc.ask('ModelInfer', { model_name: 'scale', inputs: [x], raw_input_contents, outputs });
    expect(answer.outputs[0]).toMatchObject({ datatype: 'BYTES', shape: ['2', '2'] });
    expect(answer.raw_output_contents).toEqual([rawOf('string', ['6:2', '4:1', '12:0', '10:1'])]);
  });

  it('may be of a type that fits without loss', async () => {
    const narrow = { ...x, datatype: 'INT16', contents: { int_contents: [1, 2, 3, -6, 5, 4] } };
    const answer = await grpc.ask('ModelInfer', { model_name: 'scale', inputs: [narrow] });
    expect(answer.outputs[0].contents.fp32_contents).toEqual([2, 4, 6, -12, 10, 8]);
  });
});
