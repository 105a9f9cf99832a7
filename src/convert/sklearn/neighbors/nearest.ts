import { PythonDict, PythonGlobal } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { matrixInput } from '../context.js';
import { eachRow } from '../each-row.js';
import { type Estimator, toNumber, toNumbers } from '../estimator.js';
import { expandedDistances, type Points } from '../kernels/distances.js';
import { distances, type Metric, readMetric } from '../kernels/metric.js';

import { isShortlistWorth, nearestByShortlist } from './shortlist.js';

/** Parameters of everything that looks for neighbours. How they are found does not matter to what they are. */
export const neighbourParameters = [
  'n_neighbors',
  'radius',
  'algorithm',
  'leaf_size',
  'metric',
  'p',
  'metric_params',
  'n_jobs',
];

export const neighboursInput = matrixInput('_fit_X');

/** The samples that it was fitted on. */
export const readPoints = (estimator: Estimator): Points => estimator.matrix('_fit_X');

/** `effective_metric_` and its parameters, as `fit` made them of `metric`, `p` and `metric_params`. */
export function readNeighbourMetric(estimator: Estimator): Metric {
  const name = estimator.get('effective_metric_') ?? estimator.get('metric');
  const given = estimator.get('effective_metric_params_') ?? estimator.get('metric_params');
  const metric = readMetric(estimator, name, (parameter) => {
    if (!(given instanceof PythonDict)) return undefined;
    const value = given.get(parameter) ?? null;
    const single = toNumber(value);
    if (single !== undefined) return Float64Array.of(single);
    return value === null ? undefined : toNumbers(value)?.data;
  });
  const isScipys = estimator.get('_fit_method') === 'brute' && !estimator.since([1, 1]);
  return metric.kind === 'braycurtis' ? { ...metric, isScipys } : metric;
}

/** Neighbours of each row, the nearest first, and of equally near ones the one that came first in training. */
export interface Nearest {
  /** [batch, count] */
  readonly distances: Value;
  /** int64 [batch, count] */
  readonly indices: Value;
}

export function findNearest(call: Call, count: number): Nearest {
  const { estimator, graph } = call;
  const points = readPoints(estimator);
  const metric = readNeighbourMetric(estimator);
  if (count < 1 || count > points.rows) {
    estimator.refuse(`n_neighbors is ${count}, and it was fitted on ${points.rows} samples`);
  }
  if (call.input.kind === 'sparse' && metric.kind === 'euclidean') return nearestOfPairs(call, points, count);
  const { value } = call.matrix(points.columns);
  if (metric.kind === 'euclidean' && isShortlistWorth(points, count)) {
    const [near, indices] = nearestByShortlist(graph, value, points, count);
    return { distances: call.node('Sqrt', [near]), indices };
  }
  // A square root could make two distances one.
  const squared = metric.kind === 'euclidean';
  const compared: Metric = squared ? { kind: 'sqeuclidean' } : metric;
  const [near, indices] = eachRow(graph, value, points.data.length, ['float64', 'int64'], (g, rows) =>
    g.multi(
      'TopK',
      [distances(g, rows, points, compared), g.int64s([count])],
      { axis: 1, largest: 0, sorted: 1 },
      { outputs: 2 },
    ),
  );
  return { distances: squared ? call.node('Sqrt', [near!]) : near!, indices: indices! };
}

/** Of sparse rows the squares are multiplied out, as scikit-learn does: all differences would be too many. */
function nearestOfPairs(call: Call, points: Points, count: number): Nearest {
  const squared = expandedDistances(call, call.numbers(points.columns), points);
  const inputs = [squared, call.graph.int64s([count])];
  const [near, indices] = call.graph.multi('TopK', inputs, { axis: 1, largest: 0, sorted: 1 }, { outputs: 2 });
  return { distances: call.node('Sqrt', [near!]), indices: indices! };
}

/** `undefined` for equal weights. @throws estimator-unsupported for a function */
export function readWeights(estimator: Estimator): 'distance' | undefined {
  const value = estimator.get('weights') ?? null;
  if (value === null || value === 'uniform') return undefined;
  if (value === 'distance') return value;
  const what = value instanceof PythonGlobal ? `the function ${value.id}` : 'a function';
  return estimator.refuse(`its weights are ${what}, which only Python can run`);
}

/** 1 / distance; where some are 0, those weigh 1 and the others 0. [batch, count] */
export function inverseDistances(call: Call, near: Value): Value {
  const isZero = call.node('Equal', [near, call.scalar(0)]);
  const zeros = call.node('Cast', [isZero], { to: 11 });
  const anyZero = call.node('Greater', [call.reduce('ReduceMax', zeros, 1, true), call.scalar(0)]);
  return call.node('Where', [anyZero, zeros, call.node('Div', [call.scalar(1), near])]);
}

/** Refuses rows of which no sample is near enough; `weights` [batch, 1] is above 0 where there are some. */
export function guardNeighbours(call: Call, weights: Value): void {
  const found = call.node('Greater', [call.node('Squeeze', [weights, call.graph.int64s([1])]), call.scalar(0)]);
  call.guard(found, 'no sample that it was fitted on is within the radius of this row');
}
