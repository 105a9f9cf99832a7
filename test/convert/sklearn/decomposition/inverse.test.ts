import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eliminate, invert } from '../../../../src/convert/sklearn/decomposition/inverse.js';
import { digamma } from '../../../../src/convert/sklearn/digamma.js';

describe('invert', () => {
  it('gives what makes the matrix the identity', () => {
    const entry = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.infiniteStream(entry), (size, stream) => {
        // A dominant diagonal, so that there is an inverse; rows turned round, so that pivots are needed.
        const matrix = new Float64Array(size * size);
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) matrix[i * size + j] = stream.next().value!;
          matrix[i * size + (size - 1 - i)]! += 10;
        }
        const inverse = invert(matrix, size)!;
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) {
            let product = 0;
            for (let k = 0; k < size; k++) product += matrix[i * size + k]! * inverse[k * size + j]!;
            expect(Math.abs(product - (i === j ? 1 : 0))).toBeLessThan(1e-12);
          }
        }
      }),
    );
  });

  it('knows the determinant', () => {
    expect(eliminate(Float64Array.of(0, 2, 3, 1), 2)!.logDeterminant).toBeCloseTo(Math.log(6), 14);
  });

  it.each([[[0]], [[1, 2, 2, 4]], [[Number.NaN]], [[0, 0, 0, 0]]])('has none of %j', (entries) => {
    expect(invert(Float64Array.from(entries), Math.sqrt(entries.length))).toBeUndefined();
  });
});

describe('digamma', () => {
  // scipy.special.digamma
  it.each([
    [1, -0.5772156649015329],
    [0.5, -1.9635100260214235],
    [1e-8, -100000000.57721564],
    [6.25, 1.750453526883736],
    [123.456, 4.811829323828985],
    [1e10, 23.025850929890456],
  ])('of %d is %d', (x, value) => {
    expect(Math.abs(digamma(x) - value)).toBeLessThanOrEqual(2e-15 * Math.max(1, Math.abs(value)) * 4);
  });
});
