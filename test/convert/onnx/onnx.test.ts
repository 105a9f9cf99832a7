import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { GraphBuilder } from '../../../src/convert/graph-builder.js';
import { convertOnnx } from '../../../src/convert/onnx/index.js';
import { VitrinaError } from '../../../src/errors.js';
import { defaultLimits } from '../../../src/formats/limits.js';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TypeProtoSchema,
} from '../../../src/formats/onnx/onnx_pb.js';

/** y = x · w, of which `change` makes something else. */
function model(change: (model: ModelProto) => void = () => {}): Uint8Array {
  const graph = new GraphBuilder('test');
  const x = graph.input({ name: 'x', dtype: 'float32', shape: [null, 2] });
  const weights = { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
  const y = graph.node('MatMul', [x, graph.constant(weights, 'w')], {}, { name: 'y' });
  graph.output({ name: 'y', dtype: 'float32', shape: [null, 2] }, y);
  const proto = fromBinary(ModelProtoSchema, graph.build());
  change(proto);
  return toBinary(ModelProtoSchema, proto);
}

/** What sklearn-onnx makes of a classifier: a list of dictionaries at the end. */
function addZipMap({ graph, opsetImport }: ModelProto): void {
  opsetImport.push({ ...opsetImport[0]!, domain: 'ai.onnx.ml', version: 3n });
  graph!.node.push(
    create(NodeProtoSchema, {
      opType: 'ZipMap',
      domain: 'ai.onnx.ml',
      input: ['y'],
      output: ['output_probability'],
      attribute: [
        create(AttributeProtoSchema, {
          name: 'classlabels_strings',
          type: AttributeProto_AttributeType.STRINGS,
          strings: [Buffer.from('no'), Buffer.from('yes')],
        }),
      ],
    }),
  );
  const value = graph!.output[0]!;
  value.name = 'output_probability';
  const map = { keyType: 8, valueType: { value: { case: 'tensorType', value: { elemType: 1 } } } } as const;
  value.type = create(TypeProtoSchema, {
    value: {
      case: 'sequenceType',
      value: { elemType: { value: { case: 'mapType', value: map } } },
    },
  });
}

test('passes a graph on and reads its signature', () => {
  const bytes = model((proto) => {
    proto.producerName = 'skl2onnx';
    proto.producerVersion = '1.19';
  });
  const { graph, signature, provenance } = convertOnnx(bytes);
  expect(graph).toBe(bytes);
  expect(signature).toEqual({
    inputs: [{ name: 'x', dtype: 'float32', shape: [null, 2] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [null, 2] }],
  });
  expect(provenance).toEqual({
    format: 'onnx',
    library: 'skl2onnx',
    libraryVersion: '1.19',
    components: ['MatMul'],
    notes: [],
  });
});

test('a ZipMap becomes the tensor it wraps', async () => {
  const { graph, signature, provenance } = convertOnnx(model(addZipMap));
  expect(signature.outputs).toEqual([
    { name: 'output_probability', dtype: 'float32', shape: [null, 2], columns: ['no', 'yes'] },
  ]);
  expect(provenance.notes).toEqual([
    'Output "output_probability" is given as a tensor with one column for each class: no, yes.',
  ]);
  const session = await InferenceSession.create(graph);
  const result = await session.run({ x: new Tensor('float32', Float32Array.of(1, 1, 2, 0), [2, 2]) });
  expect([...(result.output_probability!.data as Float32Array)]).toEqual([4, 6, 2, 4]);
});

describe('refuses', () => {
  const cases: [string, (model: ModelProto) => void, RegExp][] = [
    [
      'external data',
      ({ graph }) => {
        const tensor = graph!.initializer[0]!;
        tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
        tensor.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: '/etc/passwd' })];
      },
      /external data \(the tensor "w" is in another file\)/,
    ],
    [
      'external data in a constant',
      ({ graph }) => {
        const tensor = { ...graph!.initializer[0]!, dataLocation: TensorProto_DataLocation.EXTERNAL };
        graph!.node[0]!.attribute.push(create(AttributeProtoSchema, { name: 'value', t: tensor }));
      },
      /external data/,
    ],
    ['a custom operator', ({ graph }) => (graph!.node[0]!.domain = 'acme.ops'), /custom operator acme\.ops:MatMul/],
    [
      'an operator that loads a file',
      ({ graph }) => Object.assign(graph!.node[0]!, { opType: 'EPContext', domain: 'com.microsoft' }),
      /com\.microsoft:EPContext, which runs what is not in the file/,
    ],
    [
      'a map at an output in the middle of nowhere',
      (proto) => {
        addZipMap(proto);
        proto.graph!.node.pop();
      },
      /Output "output_probability" is not a tensor \(sequence\); export it with tensors alone \(for scikit-learn: zipmap=False\)/,
    ],
    [
      'a type that NumPy lacks',
      ({ graph }) => setType(graph!.input[0]!.type!, 16),
      /Input "x" has the element type 16/,
    ],
    ['a shape left out', ({ graph }) => delete tensorType(graph!.output[0]!.type!).shape, /Output "y" states no shape/],
    ['no outputs', ({ graph }) => (graph!.output = []), /no outputs/],
    ['no graph', (proto) => delete proto.graph, /it has no graph/],
  ];
  function tensorType(type: { value: { case?: string | undefined; value?: unknown } }): {
    elemType: number;
    shape?: unknown;
  } {
    return type.value.value as { elemType: number; shape?: unknown };
  }
  function setType(type: { value: { case?: string | undefined; value?: unknown } }, elemType: number): void {
    tensorType(type).elemType = elemType;
  }
  test.each(cases)('%s', (_, change, message) => {
    expect(() => convertOnnx(model(change))).toThrow(message);
    expect(() => convertOnnx(model(change))).toThrow(VitrinaError);
  });

  test('what is over the limits', () => {
    const bytes = model();
    expect(() => convertOnnx(bytes, { ...defaultLimits, fileBytes: 10 })).toThrow(/raise the limit fileBytes/);
    expect(() => convertOnnx(bytes, { ...defaultLimits, count: 10 })).toThrow(/a number of fields of 11/);
    expect(() => convertOnnx(bytes, { ...defaultLimits, depth: 3 })).toThrow(/a nesting of 4/);
    expect(() => convertOnnx(bytes, { ...defaultLimits, tensorBytes: 3 })).toThrow(/a tensor \("w"\) of 4/);
  });

  test('bytes that nest a million messages', () => {
    // TypeProto.sequence_type.elem_type…: 0x22 n 0x0a n, inside graph.input.type.
    let inner = new Uint8Array(0);
    const wrap = (field: number, content: Uint8Array): Uint8Array<ArrayBuffer> => {
      const length: number[] = [];
      for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
        length.push(rest > 127 ? (rest % 128) + 128 : rest);
        if (rest <= 127) break;
      }
      return Uint8Array.from([field, ...length, ...content]);
    };
    for (let i = 0; i < 2000; i++) inner = wrap(i % 2 ? 0x22 : 0x0a, inner);
    const bytes = wrap(0x3a, wrap(0x5a, wrap(0x12, inner)));
    expect(() => convertOnnx(bytes)).toThrow(/a nesting of 201, over the limit/);
  });
});

test('flipped and cut bytes give a model or an error of the catalogue', () => {
  const source = model(addZipMap);
  fc.assert(
    fc.property(fc.nat(source.length - 1), fc.nat(255), fc.nat(source.length), (at, value, length) => {
      const bytes = Uint8Array.from(source).subarray(0, length === 0 ? source.length : length);
      bytes[at] = value;
      try {
        convertOnnx(bytes);
      } catch (error) {
        if (!(error instanceof VitrinaError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
