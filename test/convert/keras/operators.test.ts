import { describe, expect, it } from 'vitest';
import { convertKeras } from '../../../src/convert/keras/index.js';
import { functional, operator } from './models.js';

const outcome = (...args: Parameters<typeof operator>): string => {
  try {
    const { signature } = convertKeras(functional([6, 4], operator(...args)));
    return signature.outputs[0]!.shape.join();
  } catch (error) {
    return (error as Error).message;
  }
};

describe('operators that would let rows of a batch meet are refused', () => {
  const whole = { class_name: '__slice__', config: { start: null, stop: null, step: null } };
  const cases: [string, Parameters<typeof operator>][] = [
    ['a mean over everything', ['Mean', ['@x'], { axis: null, keepdims: false }]],
    ['a sum over the batch', ['Sum', ['@x'], { axis: 0, keepdims: false }]],
    ['a softmax along the batch', ['Softmax', ['@x'], { axis: -3 }]],
    ['the first row', ['GetItem', ['@x', 0]]],
    [
      'a part of the batch',
      ['GetItem', ['@x', [{ class_name: '__slice__', config: { start: 1, stop: null, step: null } }]]],
    ],
    ['an axis before the batch', ['GetItem', ['@x', [null, whole]]]],
    ['a transpose of the batch', ['Transpose', ['@x'], { axes: [1, 0, 2] }]],
    ['a full transpose', ['Transpose', ['@x'], { axes: null }]],
    ['a reshape that splits rows', ['Reshape', ['@x'], { newshape: [-1, 4] }]],
    ['a reshape to a fixed batch', ['Reshape', ['@x'], { newshape: [1, 24] }]],
    ['a concatenation of batches', ['Concatenate', [['@x', '@x']], { axis: 0 }]],
    ['a flip of the batch', ['Flip', ['@x'], { axis: 0 }]],
    ['a constant with a batch', ['Add', ['@x', [[[1, 2, 3, 4]], [[1, 2, 3, 4]]]]]],
    ['an einsum over rows', ['Einsum', ['@x', '@x'], { subscripts: 'bij,cij->bc' }]],
    ['an einsum without its rows', ['Einsum', ['@x'], { subscripts: 'bij->ij' }]],
  ];
  it.each(cases)('%s', (_name, args) => {
    expect(outcome(...args)).toMatch(/cannot be converted: the operator/);
  });
});

describe('operators are refused by name', () => {
  it('when there is no converter', () => {
    expect(outcome('Fft', ['@x'])).toMatch(/"op" \(Fft\).*Fft/);
  });

  it('for an argument that is not known', () => {
    expect(outcome('Exp', ['@x'], { base: 2 })).toMatch(/base = 2/);
  });

  it('for a constant that is not one', () => {
    expect(outcome('Add', ['@x', { class_name: '__numpy__', config: { value: { a: 1 } } }])).toMatch(/takes a tensor/);
  });

  it('for sizes that do not fit', () => {
    expect(
      outcome('Matmul', [
        '@x',
        [
          [1, 2],
          [3, 4],
        ],
      ]),
    ).toMatch(/sizes 4 and 2/);
    expect(outcome('Add', ['@x', [1, 2, 3]])).toMatch(/sizes 4 and 3/);
    expect(outcome('Take', ['@x', [9]], { axis: 1 })).toMatch(/index 9 of 6/);
  });
});

describe('operators say the shape that they give', () => {
  const slice = (start: number | null, stop: number | null, step: number | null) => ({
    class_name: '__slice__',
    config: { start, stop, step },
  });
  const all = slice(null, null, null);
  const cases: [string, Parameters<typeof operator>, string][] = [
    ['slices', ['GetItem', ['@x', [all, slice(1, -1, 2), slice(null, null, -1)]]], ',2,4'],
    ['slices backwards', ['GetItem', ['@x', [all, slice(4, 0, -2)]]], ',2,4'],
    ['empty slices', ['GetItem', ['@x', [all, slice(5, 2, 1)]]], ',0,4'],
    ['an index after an ellipsis', ['GetItem', ['@x', [{ class_name: '__ellipsis__', config: {} }, 1]]], ',6'],
    ['a new axis', ['GetItem', ['@x', [all, null]]], ',1,6,4'],
    ['a reshape with an open size', ['Reshape', ['@x'], { newshape: [-1, -1, 12] }], ',2,12'],
    ['a broadcast', ['Add', ['@x', [[1], [2], [3], [4], [5], [6]]]], ',6,4'],
    ['a reduction of two axes', ['Sum', ['@x'], { axis: [1, -1], keepdims: true }], ',1,1'],
  ];
  it.each(cases)('%s', (_name, args, shape) => {
    expect(outcome(...args)).toBe(shape);
  });
});
