import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphBuilder, withMetadata } from '../../../src/convert/index.js';
import { convertOnnx } from '../../../src/convert/onnx/index.js';
import { VitrinaError } from '../../../src/errors.js';
import { ModelProtoSchema } from '../../../src/formats/onnx/onnx_pb.js';
import { openSession } from '../../../src/runtime/index.js';
import type { Conversion } from '../../../src/signature.js';

/** Two named columns, a guard, labels: what ONNX itself has no place for. */
function conversion(): Conversion {
  const graph = new GraphBuilder('named');
  const x = graph.input({ name: 'X', dtype: 'float64', shape: [null, 2] });
  const sum = graph.node('ReduceSum', [x, graph.int64s([1])], { keepdims: 0 });
  graph.output({ name: 'predict', dtype: 'float64', shape: [null] }, sum);
  graph.output({ name: 'proba', dtype: 'float64', shape: [null, 2] }, x);
  const fine = graph.node('Greater', [sum, graph.scalar(0, 'float64')]);
  graph.output({ name: 'fine', dtype: 'bool', shape: [null] }, fine);
  return {
    graph: graph.build(),
    guards: [{ output: 'fine', path: 'X', message: 'the sum must be positive' }],
    signature: {
      inputs: [
        { name: 'X', dtype: 'float64', shape: [null, 2], columns: ['age', 'öl'], missing: 'NaN', largest: 1e30 },
      ],
      outputs: [
        { name: 'proba', dtype: 'float64', shape: [null, 2], columns: ['no', 'yes'] },
        { name: 'predict', dtype: 'float64', shape: [null] },
      ],
      ignored: ['id'],
    },
    provenance: {
      format: 'pickle',
      library: 'scikit-learn',
      libraryVersion: '1.6.1',
      components: ['Pipeline'],
      notes: ['A note.'],
      target: 'price',
    },
  };
}

/** The file with `text` in place of the entry. */
function withEntry(text: string): Uint8Array {
  const { graph } = conversion();
  const entry = create(ModelProtoSchema, { metadataProps: [{ key: 'vitrina', value: text }] });
  return Buffer.concat([graph, toBinary(ModelProtoSchema, entry)]);
}

function changed(change: (entry: Record<string, never>) => void): Uint8Array {
  const { graph: _, ...rest } = conversion();
  const entry = JSON.parse(JSON.stringify(rest));
  change(entry);
  return withEntry(JSON.stringify(entry));
}

describe('the metadata of an ONNX file', () => {
  it('brings back all of the conversion, and the graph computes', async () => {
    const original = conversion();
    const file = withMetadata(original);
    const { graph, ...rest } = convertOnnx(file);
    const { graph: _, ...expected } = original;
    expect(rest).toEqual(expected);
    const session = await openSession(graph, 'inline');
    const { predict } = await session.run({ X: { dtype: 'float64', shape: [1, 2], data: Float64Array.of(1, 2) } });
    expect(predict!.data).toEqual(Float64Array.of(3));
    await session.close();
    expect(fromBinary(ModelProtoSchema, file).metadataProps.map(({ key }) => key)).toEqual(['vitrina']);
  });

  it('written twice is the last one', () => {
    const first = conversion();
    const second = { ...first, provenance: { ...first.provenance, target: 'rent' } };
    expect(convertOnnx(withMetadata({ ...second, graph: withMetadata(first) })).provenance.target).toBe('rent');
  });

  // biome-ignore lint/suspicious/noExplicitAny: entries are damaged in every way
  it.each<[string, (entry: any) => void, RegExp]>([
    ['no signature', (e) => delete e.signature, /has no signature/],
    ['an input that the graph has not', (e) => (e.signature.inputs[0].name = 'Y'), /describes "Y" among the inputs/],
    ['another type', (e) => (e.signature.inputs[0].dtype = 'float32'), /describes "X"/],
    ['another shape', (e) => (e.signature.inputs[0].shape = [null, 3]), /columns/],
    ['another shape of an output', (e) => (e.signature.outputs[1].shape = [2]), /describes "predict"/],
    ['one output less', (e) => e.signature.outputs.pop(), /does not list the 2 outputs/],
    ['one output twice', (e) => (e.signature.outputs[1] = e.signature.outputs[0]), /does not list the 2 outputs/],
    ['a column too few', (e) => e.signature.inputs[0].columns.pop(), /columns/],
    ['a column twice', (e) => (e.signature.inputs[0].columns = ['a', 'a']), /columns/],
    ['a column that is no text', (e) => (e.signature.inputs[0].columns = ['a', 1]), /columns/],
    ['a guard on a number', (e) => (e.guards[0].output = 'predict'), /guard without a boolean output/],
    ['a guard on nothing', (e) => (e.guards[0].output = 'gone'), /guard without a boolean output/],
    [
      'an unknown featurizer',
      (e) => (e.featurizers = [{ kind: 'x', input: 'X', indices: 'a', values: 'b', parameters: {} }]),
      /featurizer/,
    ],
    ['a featurizer that is none', (e) => (e.featurizers = [1]), /featurizers/],
    ['an unknown mark of what is missing', (e) => (e.signature.inputs[0].missing = 'NA'), /missing/],
    ['no provenance', (e) => delete e.provenance, /where the model comes from/],
    ['a target that is no text', (e) => (e.provenance.target = 1), /where the model comes from/],
  ])('is refused with %s', (_what, change, message) => {
    expect(() => convertOnnx(changed(change))).toThrow(message);
  });

  it.each(['', '{', 'null', '[]', '{"signature": 1}'])('is refused when it is %j', (text) => {
    expect(() => convertOnnx(withEntry(text))).toThrow('metadata entry "vitrina"');
  });

  it('is read or refused, whatever it says', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.json(), (text, value) => {
        for (const file of [
          withEntry(text),
          changed((entry) => Object.assign(entry.signature!, { inputs: JSON.parse(value) })),
        ]) {
          try {
            convertOnnx(file);
          } catch (error) {
            expect(error).toBeInstanceOf(VitrinaError);
            expect((error as VitrinaError).code).toBe('artefact-malformed');
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
