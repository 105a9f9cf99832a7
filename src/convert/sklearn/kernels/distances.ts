/** Distances between rows of the input and the points that an estimator keeps. */
import type { GraphBuilder, Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { densify, type Matrix, multiply, type SparseMatrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';

/** Points of a training set, row-major. */
export interface Points {
  readonly data: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/**
 * [batch, n] → [batch, m]: `body` gives [m] for a row [n]. One row at a time, so that differences with all points take
 * m · n numbers and not as many for every row of the batch.
 */
export function byRow(call: Call, x: Value, body: (inner: GraphBuilder, row: Value) => Value): Value {
  const graph = call.graph.subgraph('row', (inner) => {
    const row = inner.parameter('x', 'float64');
    inner.result(body(inner, row), 'float64');
  });
  return call.node('Scan', [x], { body: graph, num_scan_inputs: 1 });
}

/** `Σ (x - point)²`, differences first as SciPy's cdist and libsvm take them: [batch, points]. */
export function squaredDifferences(call: Call, x: Value, points: Points): Value {
  const constant = call.floats(points.data, [points.rows, points.columns], 'points');
  return byRow(call, x, (inner, row) => {
    const difference = inner.node('Sub', [constant, row]);
    return inner.node('ReduceSum', [inner.node('Mul', [difference, difference]), inner.int64s([1])], { keepdims: 0 });
  });
}

/** `Σ |x - point|`: [batch, points]. */
export function absoluteDifferences(call: Call, x: Value, points: Points): Value {
  const constant = call.floats(points.data, [points.rows, points.columns], 'points');
  return byRow(call, x, (inner, row) =>
    inner.node('ReduceSum', [inner.node('Abs', [inner.node('Sub', [constant, row])]), inner.int64s([1])], {
      keepdims: 0,
    }),
  );
}

/** `x · pointᵀ`: [batch, points]. */
export function innerProducts(call: Call, x: Matrix | SparseMatrix, points: Points): Value {
  return multiply(call.graph, x, transposed(points.data, points.rows, points.columns), points.rows, 'points');
}

/**
 * `x² + point² - 2 x · point`, not below zero: [batch, points]. One matrix product, with the rounding errors of the
 * squares, which scikit-learn's `euclidean_distances` has too.
 */
export function expandedDistances(call: Call, x: Matrix | SparseMatrix, points: Points): Value {
  const dense = x.kind === 'sparse' ? densify(call.graph, x).value : x.value;
  const squares = call.reduce('ReduceSum', call.node('Mul', [dense, dense]), 1, true);
  const product = call.node('Mul', [call.scalar(-2), innerProducts(call, x, points)]);
  const sum = call.node('Add', [call.node('Add', [product, squares]), call.floats(squaredNorms(points))]);
  return call.node('Max', [sum, call.scalar(0)]);
}

/** Sum of the squares of each point. */
export function squaredNorms({ data, rows, columns }: Points): Float64Array {
  const norms = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) norms[i]! += data[i * columns + j]! ** 2;
  }
  return norms;
}
