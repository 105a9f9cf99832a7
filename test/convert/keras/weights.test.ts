import { describe, expect, it } from 'vitest';
import { archiveWeights, hdf5Weights, snakeCase } from '../../../src/convert/keras/weights.js';
import { VitrinaError } from '../../../src/errors.js';
import { group } from './models.js';

const vector = (...data: number[]) => ({ shape: [data.length], data });
const weightsOf = (weights: ReturnType<typeof group>, version = '3.15.1') =>
  archiveWeights({ weights, texts: new Map(), version }, 'model');
const dense = (name: string) => ({ name, className: 'Dense', inner: [] });

describe('weights of a .keras file', () => {
  it('are found by class and number', () => {
    const root = group({
      layers: { dense: { vars: { 0: vector(1) } }, dense_1: { vars: { 0: vector(2, 3), 1: vector(4) } } },
    });
    const second = weightsOf(root)
      .layers([dense('a'), dense('b')])
      .get('b')!;
    expect(second.peek('kernel')).toEqual([2]);
    expect(second.read('kernel', [2]).data).toEqual(Float32Array.of(2, 3));
    expect(second.read('bias', [1]).data).toEqual(Float32Array.of(4));
    expect(second.read('kernel', [2]).data).toEqual(Float32Array.of(2, 3));
    expect(second.peek('more')).toBeUndefined();
  });

  it('are found where Windows wrote the separator into the name', () => {
    const root = group({
      'layers\\dense': { vars: { 0: vector(1) } },
      'layers\\bidirectional\\forward_layer\\cell': { vars: { 0: vector(5) } },
    });
    const layers = weightsOf(root).layers([dense('a'), { name: 'b', className: 'Bidirectional', inner: [] }]);
    expect(layers.get('a')!.read('kernel', [1]).data).toEqual(Float32Array.of(1));
    const cell = layers.get('b')!.child('forward_layer').child('cell');
    expect(cell.read('kernel', [1]).data).toEqual(Float32Array.of(5));
  });

  it('are found where Keras 2.12 counted layers with variables twice', () => {
    const root = group({
      _layer_checkpoint_dependencies: {
        dense: { vars: { 0: vector(1) } },
        dropout: { vars: {} },
        dense_2: { vars: { 0: vector(2) } },
      },
    });
    const list = [dense('a'), { name: 'd', className: 'Dropout', inner: [] }, dense('b')];
    expect(weightsOf(root, '2.12.0').layers(list).get('b')!.read('kernel', [1]).data).toEqual(Float32Array.of(2));
  });

  it('name layer, variable and both shapes when they do not fit', () => {
    const root = group({ layers: { dense: { vars: { 0: { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] } } } } });
    const weights = weightsOf(root)
      .layers([dense('first')])
      .get('first')!;
    expect(() => weights.read('kernel', [3, 2])).toThrow(/"first".*kernel.*\[3, 2\].*\[2, 3\]/);
    expect(() => weights.read('bias', [2])).toThrow(/"first".*bias.*no such variable/);
  });
});

describe('weights of an .h5 file', () => {
  const named = (names: string[], members: Record<string, unknown>) => group(members, { weight_names: names });

  it('are found by their names, with and without the number of the tensor', () => {
    const root = group({ a: named(['a/lstm_cell/kernel:0'], { a: { lstm_cell: { 'kernel:0': vector(7) } } }) });
    const weights = hdf5Weights(root)
      .layers([dense('a')])
      .get('a')!;
    expect(weights.child('cell').read('kernel', [1]).data).toEqual(Float32Array.of(7));
  });

  it('are shared out to the layers of a nested model, whichever names come before', () => {
    const members = { outer: { one: { kernel: vector(1) }, deep: { two: { kernel: vector(2) } } } };
    const list = [dense('one'), { name: 'deep', className: 'Functional', inner: ['two'] }];
    const prefixed = group({ outer: named(['outer/one/kernel', 'outer/deep/two/kernel'], members) });
    const bare = group({
      outer: named(['one/kernel', 'two/kernel'], { one: { kernel: vector(1) }, two: { kernel: vector(2) } }),
    });
    for (const root of [prefixed, bare]) {
      const layers = hdf5Weights(root)
        .layers([{ name: 'outer', className: 'Sequential', inner: [] }])
        .get('outer')!
        .layers(list);
      expect(layers.get('one')!.read('kernel', [1]).data).toEqual(Float32Array.of(1));
      expect(
        layers
          .get('deep')!
          .layers([dense('two')])
          .get('two')!
          .read('kernel', [1]).data,
      ).toEqual(Float32Array.of(2));
    }
  });

  it('are refused when no layer goes by their name', () => {
    const root = group({ outer: named(['stray/kernel'], { stray: { kernel: vector(1) } }) });
    const outer = hdf5Weights(root)
      .layers([dense('outer')])
      .get('outer')!;
    expect(() => outer.layers([dense('one')])).toThrow(VitrinaError);
    expect(() => outer.layers([dense('one')])).toThrow(/stray\/kernel/);
  });

  it('are refused when a listed variable is not there', () => {
    const root = group({ a: named(['a/kernel'], {}) });
    expect(() => hdf5Weights(root).layers([dense('a')])).toThrow(/a\/kernel.*not there/);
  });
});

it('writes class names as Keras does', () => {
  const names = ['Dense', 'LSTM', 'SimpleRNN', 'Conv2DTranspose', 'GlobalAveragePooling1D', 'PReLU', 'TFOpLambda'];
  expect(names.map(snakeCase)).toEqual([
    'dense',
    'lstm',
    'simple_rnn',
    'conv2d_transpose',
    'global_average_pooling1d',
    'p_re_lu',
    'tf_op_lambda',
  ]);
});
