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

/** Points with fewer numbers than this are compared with all rows at once. */
const small = 1024;

/**
 * [batch, n] → [batch, m]: `body` gives [m] for a row that broadcasts with the points [m, n]. With many points one row
 * at a time, so that it takes m · n numbers and not as many for every row of the batch.
 */
export function againstPoints(
  call: Call,
  x: Value,
  { data, rows, columns }: Points,
  body: (graph: GraphBuilder, row: Value, points: Value) => Value,
): Value {
  const constant = call.floats(data, [rows, columns], 'points');
  if (data.length < small) return body(call.graph, call.node('Unsqueeze', [x, call.graph.int64s([1])]), constant);
  const graph = call.graph.subgraph('row', (inner) => {
    const row = inner.input({ name: 'row', dtype: 'float64', shape: [columns] });
    inner.output({ name: inner.unique('values'), dtype: 'float64', shape: [rows] }, body(inner, row, constant));
  });
  return call.node('Scan', [x], { body: graph, num_scan_inputs: 1 });
}

const sumOfFeatures = (graph: GraphBuilder, value: Value) =>
  graph.node('ReduceSum', [value, graph.int64s([-1])], { keepdims: 0 });

/** `Σ (x - point)²`, differences first as SciPy's cdist and libsvm take them: [batch, points]. */
export function squaredDifferences(call: Call, x: Value, points: Points): Value {
  return againstPoints(call, x, points, (graph, row, constant) => {
    const difference = graph.node('Sub', [row, constant]);
    return sumOfFeatures(graph, graph.node('Mul', [difference, difference]));
  });
}

/** `Σ |x - point|`: [batch, points]. */
export function absoluteDifferences(call: Call, x: Value, points: Points): Value {
  return againstPoints(call, x, points, (graph, row, constant) =>
    sumOfFeatures(graph, graph.node('Abs', [graph.node('Sub', [row, constant])])),
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
