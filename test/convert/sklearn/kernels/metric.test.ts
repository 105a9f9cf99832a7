import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../../src/convert/graph-builder.js';
import { eachRow } from '../../../../src/convert/sklearn/each-row.js';
import { distances, type Metric } from '../../../../src/convert/sklearn/kernels/metric.js';

const columns = 3;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const length = (values: readonly number[]) => Math.sqrt(sum(values.map((value) => value * value)));

/** The definitions, one number after the other. */
const formulas: readonly (readonly [
  Metric,
  (x: readonly number[], y: readonly number[], d: readonly number[]) => number,
])[] = [
  [{ kind: 'euclidean' }, (_x, _y, d) => length(d)],
  [{ kind: 'sqeuclidean' }, (_x, _y, d) => sum(d.map((value) => value * value))],
  [{ kind: 'manhattan' }, (_x, _y, d) => sum(d.map(Math.abs))],
  [{ kind: 'chebyshev' }, (_x, _y, d) => Math.max(...d.map(Math.abs))],
  [{ kind: 'minkowski', p: 3 }, (_x, _y, d) => Math.cbrt(sum(d.map((value) => Math.abs(value) ** 3)))],
  [
    { kind: 'minkowski', p: 3, weights: Float64Array.of(1, 2, 3) },
    (_x, _y, d) => Math.cbrt(sum(d.map((value, i) => (i + 1) * Math.abs(value) ** 3))),
  ],
  [
    { kind: 'seuclidean', variances: Float64Array.of(1, 2, 4) },
    (_x, _y, d) => Math.sqrt(sum(d.map((value, i) => (value * value) / 2 ** i))),
  ],
  [
    { kind: 'mahalanobis', inverse: Float64Array.of(2, 1, 0, 1, 3, 0, 0, 0, 1) },
    (_x, _y, [a = 0, b = 0, c = 0]) => Math.sqrt(2 * a * a + 2 * a * b + 3 * b * b + c * c),
  ],
  [{ kind: 'cosine' }, (x, y) => 1 - sum(x.map((value, i) => value * y[i]!)) / ((length(x) || 1) * (length(y) || 1))],
  [{ kind: 'hamming' }, (_x, _y, d) => d.filter((value) => value !== 0).length / columns],
  [
    { kind: 'canberra' },
    (x, y, d) => sum(d.map((value, i) => (value === 0 ? 0 : Math.abs(value) / (Math.abs(x[i]!) + Math.abs(y[i]!))))),
  ],
  [{ kind: 'braycurtis' }, (x, y, d) => sum(d.map(Math.abs)) / (sum(x.map(Math.abs)) + sum(y.map(Math.abs)) || 1)],
  [
    { kind: 'braycurtis', isScipys: true },
    (x, y, d) => {
      const both = sum(x.map((value, i) => Math.abs(value + y[i]!)));
      return both === 0 ? Number.POSITIVE_INFINITY : sum(d.map(Math.abs)) / both;
    },
  ],
];

/** A session that measures rows against two points: for a batch at once, and row after row. */
async function measure(metric: Metric, points: readonly (readonly number[])[], rows: readonly (readonly number[])[]) {
  const graph = new GraphBuilder('distances');
  const x = graph.input({ name: 'x', dtype: 'float64', shape: [null, columns] });
  const constant = { data: Float64Array.from(points.flat()), rows: points.length, columns };
  for (const [name, numbers] of [
    ['batch', 1],
    ['row', 1e9],
  ] as const) {
    const [value] = eachRow(graph, x, numbers, ['float64'], (g, part) => [distances(g, part, constant, metric)]);
    graph.output({ name, dtype: 'float64', shape: [null, points.length] }, value!);
  }
  const session = await InferenceSession.create(graph.build(), { logSeverityLevel: 3 });
  const results = await session.run({
    x: new Tensor('float64', Float64Array.from(rows.flat()), [rows.length, columns]),
  });
  await session.release();
  return [results.batch!, results.row!].map(({ data }) => Array.from(data as Float64Array));
}

describe('distances', () => {
  // The squares of smaller numbers have no more all their digits, and formulas that are equal differ.
  const some = fc.double({ min: -1e3, max: 1e3, noNaN: true }).map((value) => (Math.abs(value) < 1e-100 ? 0 : value));
  const number = fc.oneof(fc.constantFrom(0, 1, -1, 2), some);
  const point = fc.array(number, { minLength: columns, maxLength: columns });

  it.each(formulas)('measures $kind as it is defined, for a batch and row after row', async (metric, formula) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(point, { minLength: 1, maxLength: 4 }),
        fc.array(point, { minLength: 1, maxLength: 4 }),
        async (points, rows) => {
          const [batch, row] = await measure(metric, points, rows);
          const expected = rows.flatMap((x) =>
            points.map((y) =>
              formula(
                x,
                y,
                x.map((value, i) => value - y[i]!),
              ),
            ),
          );
          for (const [i, value] of expected.entries()) {
            for (const got of [batch![i]!, row![i]!]) {
              if (got === value) continue;
              expect(Math.abs(got - value)).toBeLessThanOrEqual(1e-9 + 1e-9 * Math.abs(value));
            }
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
