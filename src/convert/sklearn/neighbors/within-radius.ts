import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { eachRow } from '../each-row.js';
import { distances, type Metric } from '../kernels/metric.js';
import { readNeighbourMetric, readPoints, readWeights } from './nearest.js';

/**
 * Sums over the samples within `radius` of each row, at most as far: [batch, columns] of `values` [samples, columns],
 * weighed where the estimator weighs; and how much all of them weigh, [batch, 1], 0 where there is no neighbour.
 */
export function sumWithinRadius(call: Call, values: Float64Array, columns: number): { sums: Value; weights: Value } {
  const { estimator, graph } = call;
  const points = readPoints(estimator);
  const metric = readNeighbourMetric(estimator);
  const radius = estimator.number('radius');
  const byDistance = readWeights(estimator) === 'distance';
  const squared = metric.kind === 'euclidean';
  const compared: Metric = squared ? { kind: 'sqeuclidean' } : metric;
  const all = call.floats(values, [points.rows, columns], 'targets');
  const { value } = call.matrix(points.columns);
  const [sums, weights] = eachRow(graph, value, points.data.length, ['float64', 'float64'], (g, rows) => {
    const scalar = (number: number) => g.scalar(number, 'float64');
    const far = distances(g, rows, points, compared);
    const isNear = g.node('LessOrEqual', [far, scalar(squared ? radius * radius : radius)]);
    let weight = g.node('Cast', [isNear], { to: 11 });
    if (byDistance) {
      const distance = squared ? g.node('Sqrt', [far]) : far;
      // Those at distance 0 weigh 1 and the others 0, where there are any.
      const zeros = g.node('Cast', [g.node('Equal', [distance, scalar(0)])], { to: 11 });
      const last = g.int64s([1]);
      const anyZero = g.node('Greater', [g.node('ReduceMax', [zeros, last], { keepdims: 1 }), scalar(0)]);
      const inverse = g.node('Where', [isNear, g.node('Div', [scalar(1), distance]), scalar(0)]);
      weight = g.node('Where', [anyZero, zeros, inverse]);
    }
    return [g.node('MatMul', [weight, all]), g.node('ReduceSum', [weight, g.int64s([1])], { keepdims: 1 })];
  });
  return { sums: sums!, weights: weights! };
}
