import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { concatenate, type Features, gatherColumns, matrix } from '../features.js';
import { isNull, missingNumbers, readMissingValue } from './missing-value.js';
import { readIndicator } from './simple-imputer.js';

/**
 * [batch, n] → transform [batch, n − empty (+ indicators)]: a missing value becomes the mean of the nearest rows of the
 * training data that have one, near by the features that neither is missing.
 */
export const knnImputer: EstimatorConverter = {
  className: 'sklearn.impute._knn.KNNImputer',
  parameters: [
    ...['missing_values', 'n_neighbors', 'weights', 'metric', 'copy', 'add_indicator', 'keep_empty_features'],
  ],
  input: matrixInput('_fit_X'),
  convert: (call) => ({ transform: () => impute(call) }),
};

/** The rows of the training data. */
interface Donors {
  readonly rows: number;
  readonly size: number;
  /** Missing values are 0. */
  readonly values: Float64Array;
  /** 1 where a value is missing. */
  readonly missing: Float64Array;
}

function impute(call: Call): Features {
  const { estimator, graph } = call;
  const donors = readDonors(estimator);
  const { size } = donors;
  const missing = readMissingValue(estimator);
  const { value: x } = call.matrix(size, { missing: isNull(missing) });
  const isMissing = missingNumbers(call, x, missing);
  const distances = nanDistances(call, x, isMissing, donors);
  const keepsEmpty = estimator.boolean('keep_empty_features', false);
  const columns: Value[] = [];
  for (let column = 0; column < size; column++) {
    const rows = Array.from({ length: donors.rows }, (_, i) => i).filter(
      (i) => donors.missing[i * size + column] === 0,
    );
    const own = gatherColumns(graph, x, size, [column]);
    if (rows.length > 0) {
      const isGap = gatherColumns(graph, isMissing, size, [column]);
      const filled = imputedColumn(call, distances, donors, rows, column, isGap);
      columns.push(call.node('Where', [isGap, filled, own]));
    } else if (keepsEmpty) {
      columns.push(call.node('Mul', [call.node('Cast', [call.node('IsNaN', [own])], { to: 11 }), call.scalar(0)]));
    }
  }
  if (columns.length === 0) return estimator.refuse('all of its columns were empty in training');
  const value = columns.length === 1 ? columns[0]! : call.node('Concat', columns, { axis: 1 });
  const imputed = matrix(value, columns.length, true);
  const indicated = readIndicator(estimator, size);
  if (indicated.length === 0) return imputed;
  if (!estimator.since([1, 3])) guardComplete(call, isMissing);
  const marks = call.node('Cast', [isMissing], { to: 11 });
  const indicators = matrix(gatherColumns(graph, marks, size, indicated), indicated.length, true);
  return concatenate(graph, [imputed, indicators]);
}

/** Until 1.2 the indicators were left away where nothing at all was missing, which breaks whatever comes next. */
function guardComplete(call: Call, isMissing: Value): void {
  call.context.dependOnRequest();
  const marks = call.node('Cast', [isMissing], { to: 11 });
  const any = call.node('Greater', [call.node('ReduceMax', [marks], { keepdims: 0 }), call.scalar(0)]);
  const message = `nothing is missing in any row, and ${call.estimator.name} of this release gives fewer columns then`;
  call.guard(call.node('Expand', [any, call.node('Shape', [isMissing], { end: 1 })]), message);
}

/**
 * [batch, rows]: `nan_euclidean_distances`, NaN where no feature is known of both. In the order of scikit-learn's
 * arithmetic: squares and the product first, then what is missing is taken off.
 */
function nanDistances(call: Call, x: Value, isMissing: Value, { rows, size, values, missing }: Donors): Value {
  const columnwise = (of: (i: number) => number) => {
    const data = new Float64Array(size * rows);
    for (let i = 0; i < rows; i++) for (let j = 0; j < size; j++) data[j * rows + i] = of(i * size + j);
    return call.floats(data, [size, rows]);
  };
  const zero = call.scalar(0);
  const known = call.node('Where', [isMissing, zero, x]);
  const squares = call.node('Mul', [known, known]);
  const gaps = call.node('Cast', [isMissing], { to: 11 });
  const norms = Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < size; j++) sum += values[i * size + j]! ** 2;
    return sum;
  });
  const product = call.node('MatMul', [known, columnwise((at) => values[at]!)]);
  const plain = call.node('Add', [
    call.node('Add', [call.node('Mul', [product, call.scalar(-2)]), call.reduce('ReduceSum', squares, 1, true)]),
    call.floats(norms),
  ]);
  const lessTheirs = call.node('Sub', [
    call.node('Max', [plain, zero]),
    call.node('MatMul', [squares, columnwise((at) => missing[at]!)]),
  ]);
  const lessOurs = call.node('Sub', [lessTheirs, call.node('MatMul', [gaps, columnwise((at) => values[at]! ** 2)])]);
  const present = call.node('MatMul', [call.node('Sub', [call.scalar(1), gaps]), columnwise((at) => 1 - missing[at]!)]);
  const scaled = call.node('Mul', [
    call.node('Div', [call.node('Max', [lessOurs, zero]), call.node('Max', [present, call.scalar(1)])]),
    call.scalar(size),
  ]);
  const unknown = call.node('Equal', [present, zero]);
  return call.node('Where', [unknown, call.scalar(Number.POSITIVE_INFINITY), call.node('Sqrt', [scaled])]);
}

/** [batch, 1]: the mean of `column` over the nearest of `rows`; of those at a distance that is not known, none. */
function imputedColumn(
  call: Call,
  distances: Value,
  donors: Donors,
  rows: readonly number[],
  column: number,
  isGap: Value,
): Value {
  const { estimator, graph } = call;
  const values = Float64Array.from(rows, (i) => donors.values[i * donors.size + column]!);
  const count = Math.min(estimator.integer('n_neighbors'), rows.length);
  const own = gatherColumns(graph, distances, donors.rows, rows);
  const [nearest, index] = graph.multi(
    'TopK',
    [own, graph.int64s([count])],
    { axis: 1, largest: 0, sorted: 1 },
    { outputs: 2 },
  );
  const far = call.node('IsInf', [nearest!]);
  const known = call.node('Cast', [call.node('Not', [far])], { to: 11 });
  // Until 1.4 neighbours at an unknown distance counted as well: where all count, it matters not which come first.
  const isEverybody = count === rows.length && !estimator.since([1, 5]);
  const weights = weightsOf(call, nearest!, known, isEverybody ? undefined : isGap);
  const picked = call.node('Gather', [call.floats(values), index!]);
  const total = call.reduce('ReduceSum', weights, 1, true);
  const mean = call.node('Div', [call.reduce('ReduceSum', call.node('Mul', [picked, weights]), 1, true), total]);
  const alone = call.node('Equal', [call.reduce('ReduceMax', known, 1, true), call.scalar(0)]);
  const average = values.reduce((sum, value) => sum + value, 0) / values.length;
  return call.node('Where', [alone, call.scalar(average), mean]);
}

/** Weights of the neighbours; with `distance` those at zero are the only ones that count where there are any. */
function weightsOf(call: Call, distances: Value, known: Value, isGap: Value | undefined): Value {
  if (call.estimator.choice('weights', ['uniform', 'distance']) === 'uniform') {
    if (isGap === undefined) return call.node('Max', [known, call.scalar(1)]);
    guardUnknownNeighbours(call, known, isGap);
    return known;
  }
  const isZero = call.node('Cast', [call.node('Equal', [distances, call.scalar(0)])], { to: 11 });
  const any = call.node('Greater', [call.reduce('ReduceMax', isZero, 1, true), call.scalar(0)]);
  return call.node('Where', [any, isZero, call.node('Reciprocal', [distances])]);
}

/** Until 1.4 neighbours at an unknown distance counted as well, and which of them was left to chance. */
function guardUnknownNeighbours(call: Call, known: Value, isGap: Value): void {
  if (call.estimator.since([1, 5])) return;
  const [least, most] = [call.reduce('ReduceMin', known), call.reduce('ReduceMax', known)];
  const hasValue = call.node('Not', [call.node('Squeeze', [isGap, call.graph.int64s([1])])]);
  call.guard(
    call.node('Or', [call.node('Equal', [least, most]), hasValue]),
    'a row with missing values has fewer neighbours than n_neighbors with which it shares a known feature',
  );
}

function readDonors(estimator: Estimator): Donors {
  if (estimator.get('metric') !== 'nan_euclidean') estimator.refuse('its metric is not nan_euclidean');
  const { data, rows, columns: size } = estimator.matrix('_fit_X');
  const mask = estimator.matrix('_mask_fit_X', rows, size).data;
  const values = data.map((value, i) => (mask[i] === 1 ? 0 : value));
  if (!values.every(Number.isFinite)) estimator.refuse('its training data are damaged');
  if (estimator.integer('n_neighbors') < 1) estimator.refuse('n_neighbors should be at least 1');
  return { rows, size, values, missing: mask };
}
