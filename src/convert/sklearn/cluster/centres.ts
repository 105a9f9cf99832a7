import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { Output } from '../converter.js';
import { eachRow } from '../each-row.js';
import { type Features, matrix } from '../features.js';
import { type Points, squaredNorms } from '../kernels/distances.js';
import { distances } from '../kernels/metric.js';
import { transposed } from '../linear/linear-regressor.js';

/** Index of the nearest centre, the first among equals, from `|c|² - 2 x · c`: int64 [batch]. */
export function nearestCentre(call: Call, centres: Points): Value {
  return call.node('ArgMin', [compared(call, centres)], { axis: 1, keepdims: 0 });
}

/** [batch, n] → transform [batch, centres]: Euclidean distances. */
export function centreDistances(call: Call, centres: Points): Features {
  const { input, graph } = call;
  if (input.kind === 'sparse') {
    const length = call.reduce('ReduceSum', call.node('Mul', [input.values, input.values]), 1, true);
    const squares = call.node('Max', [call.node('Add', [length, compared(call, centres)]), call.scalar(0)]);
    return matrix(call.node('Sqrt', [squares]), centres.rows, true);
  }
  const { value } = call.matrix(centres.columns);
  const [result] = eachRow(graph, value, centres.data.length, ['float64'], (g, rows) => [
    distances(g, rows, centres, { kind: 'euclidean' }),
  ]);
  return matrix(result!, centres.rows, true);
}

function compared(call: Call, centres: Points): Value {
  const doubled = centres.data.map((value) => -2 * value);
  const product = call.product(transposed(doubled, centres.rows, centres.columns), centres.rows);
  return call.node('Add', [product, call.floats(squaredNorms(centres))]);
}

/** The label of each row, int64 [batch]. */
export const clusterOutput = (value: Value): Output => ({ value, dtype: 'int64', shape: [null] });
