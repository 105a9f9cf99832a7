import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../../src/convert/graph-builder.js';
import { nearestByShortlist } from '../../../../src/convert/sklearn/neighbors/shortlist.js';

const columns = 3;
const samples = 60;

/** Squared distances and indices of the nearest, the lower index first among equals. */
function nearest(points: Float64Array, row: readonly number[], count: number): (readonly [number, number])[] {
  const all = Array.from({ length: samples }, (_, i) => {
    const [a, b, c] = row.map((value, j) => points[i * columns + j]! - value) as [number, number, number];
    return [a * a + b * b + c * c, i] as const;
  });
  return all.sort((one, other) => one[0] - other[0] || one[1] - other[1]).slice(0, count);
}

describe('nearestByShortlist', () => {
  // Numbers whose squares add up exactly, so that no order of the sum matters.
  const spread = fc.integer({ min: -6400, max: 6400 }).map((value) => value / 64);
  const grid = fc.integer({ min: 0, max: 2 });
  const far = fc.integer({ min: 0, max: 3 }).map((value) => 1e8 + value / 8);
  // Beyond single precision on either side: there the rough distances say nothing, or infinity.
  const scaled = (scale: number) => fc.integer({ min: -100, max: 100 }).map((value) => value * 2 ** scale);

  it.each([
    ['spread points', spread],
    ['points of a small grid, most of them level', grid],
    ['points far from 0 and close together', far],
    ['points whose squares single precision cannot hold', scaled(70)],
    ['points at the end of single precision', scaled(122)],
    ['points that single precision cannot hold', scaled(400)],
    ['points whose squares are nothing in single precision', scaled(-70)],
    ['points that are nothing in single precision', scaled(-400)],
    ['points of all sizes', fc.oneof(spread, scaled(60), scaled(-60), scaled(130))],
  ] as const)('finds what measuring all finds, of %s', async (_, number) => {
    const sizes = fc.constantFrom(1, 2, 63, 64, 65, 130);
    await fc.assert(
      fc.asyncProperty(
        fc.array(number, { minLength: samples * columns, maxLength: samples * columns }),
        sizes.chain((size) =>
          fc.array(fc.array(number, { minLength: 3, maxLength: 3 }), { minLength: size, maxLength: size }),
        ),
        fc.integer({ min: 1, max: 10 }),
        async (numbers, rows, count) => {
          const data = Float64Array.from(numbers);
          const graph = new GraphBuilder('nearest');
          const x = graph.input({ name: 'x', dtype: 'float64', shape: [null, columns] });
          const [near, indices] = nearestByShortlist(graph, x, { data, rows: samples, columns }, count);
          graph.output({ name: 'near', dtype: 'float64', shape: [null, count] }, near);
          graph.output({ name: 'indices', dtype: 'int64', shape: [null, count] }, indices);
          const session = await InferenceSession.create(graph.build(), { logSeverityLevel: 3 });
          const feeds = { x: new Tensor('float64', Float64Array.from(rows.flat()), [rows.length, columns]) };
          const results = await session.run(feeds);
          await session.release();
          const expected = rows.flatMap((row) => nearest(data, row, count));
          expect(Array.from(results.indices!.data as BigInt64Array, Number)).toEqual(
            expected.map(([, index]) => index),
          );
          const got = results.near!.data as Float64Array;
          for (const [i, [distance]] of expected.entries()) {
            expect(Math.abs(got[i]! - distance)).toBeLessThanOrEqual(1e-12 * distance);
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});
