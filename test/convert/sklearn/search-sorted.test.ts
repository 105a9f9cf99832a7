import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchSorted } from '../../../src/convert/sklearn/search-sorted.js';
import { evaluate } from './evaluate.js';

const numbers = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true }));

describe('searchSorted', () => {
  it('counts the edges below a value, and those that equal it on the right', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(numbers, { maxLength: 40 }), fc.array(numbers, { minLength: 1 }), async (list, x) => {
        const edges = list.sort((a, b) => a - b);
        const inputs = [...x, ...edges, Number.NaN];
        const left = await evaluate((call, value) => searchSorted(call, value, [edges], 'left'), inputs);
        const right = await evaluate((call, value) => searchSorted(call, value, [edges], 'right'), inputs);
        expect([...left]).toEqual(inputs.map((value) => edges.filter((edge) => edge < value).length));
        expect([...right]).toEqual(inputs.map((value) => edges.filter((edge) => edge <= value).length));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps columns apart', async () => {
    const edges = [[0, 1, 2], [], [5]];
    const places = await evaluate((call, value) => searchSorted(call, value, edges, 'right'), [1, 1, 1, 9, 9, 9], 3);
    expect([...places]).toEqual([2, 0, 0, 3, 0, 1]);
  });

  it('refuses edges that are in no order', async () => {
    const search = evaluate((call, value) => searchSorted(call, value, [[2, 1]], 'left'), [1]);
    await expect(search).rejects.toThrow('the edges of column 0 are not in ascending order');
  });
});
