import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumLeaves } from '../../../../src/convert/sklearn/tree/sum-leaves.js';
import { pairwiseSum } from '../../../../src/convert/sklearn/tree/tree-values.js';
import { branch, type TreeColumns } from '../../../../src/convert/tree-ensemble.js';
import { evaluate } from '../evaluate.js';

const width = 2;
const share = fc.double({ min: 0, max: 1, noNaN: true });
/** A stump at `threshold`, whose two leaves say two numbers each. */
const stump = fc.record({
  threshold: fc.integer({ min: -3, max: 3 }),
  left: fc.tuple(share, share),
  right: fc.tuple(share, share),
});
type Stump = typeof stump extends fc.Arbitrary<infer T> ? T : never;

const columnsOf = ({ threshold, left, right }: Stump): TreeColumns => ({
  left: [1, -1, -1],
  right: [2, -1, -1],
  feature: [0, -2, -2],
  threshold: [threshold, -2, -2],
  mode: branch.leq,
  value: [0, 0, ...left, ...right],
});

const inputs = [-4, -3, -1, 0, 2, 3, 4, 9];

/** Adds up in the order of the trees. */
const expected = (stumps: readonly Stump[]) =>
  inputs.flatMap((x) =>
    Array.from({ length: width }, (_, k) =>
      stumps.reduce((sum, { threshold, left, right }) => sum + (x <= threshold ? left : right)[k]!, 0),
    ),
  );

describe('sumLeaves', () => {
  it('adds up tree after tree, to the last bit, over groups of trees too', async () => {
    const forests = fc.array(stump, { minLength: 1, maxLength: 150, size: 'max' });
    for (const stumps of fc.sample(forests, { numRuns: 12, seed: 5 })) {
      const sums = await evaluate(
        (call, x) =>
          call.node('Reshape', [sumLeaves(call, x, 1, width, stumps.map(columnsOf)), call.graph.int64s([-1, 1])]),
        inputs,
      );
      expect(Array.from(sums)).toEqual(expected(stumps));
    }
  });

  it('adds up leaves that speak of one class each', async () => {
    const [stumps] = fc.sample(fc.array(stump, { minLength: 90, maxLength: 90 }), { numRuns: 1, seed: 6 });
    const pure = stumps!.map(({ threshold, left, right }) => ({
      threshold,
      left: [left[0], 0] as [number, number],
      right: [0, right[1]] as [number, number],
    }));
    const sums = await evaluate(
      (call, x) =>
        call.node('Reshape', [sumLeaves(call, x, 1, width, pure.map(columnsOf)), call.graph.int64s([-1, 1])]),
      inputs,
    );
    expect(Array.from(sums)).toEqual(expected(pure));
  });
});

describe('pairwiseSum', () => {
  const tenths = (count: number) => Float64Array.from({ length: count }, (_, i) => 1 / (i + 3));
  it.each([
    [0, 0.0],
    [1, 0.3333333333333333],
    [7, 1.328968253968254],
    [8, 1.4289682539682538],
    [9, 1.5198773448773446],
    [100, 3.707082429307257],
    [128, 3.948591338265976],
    [129, 3.956224926052236],
    [300, 4.789297397713862],
    [1000, 5.987467865541362],
  ])('adds %i numbers as NumPy does', (count, sum) => {
    expect(pairwiseSum(tenths(count), 0, count)).toBe(sum);
  });
});
