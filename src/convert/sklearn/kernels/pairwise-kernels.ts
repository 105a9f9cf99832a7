/** The kernels of scikit-learn's `pairwise_kernels`, between rows of the input and points that an estimator keeps. */
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { densify, type Matrix, type SparseMatrix } from '../features.js';
import { absoluteDifferences, againstPoints, expandedDistances, innerProducts, type Points } from './distances.js';

export const pairwiseKernels = [
  ...['linear', 'poly', 'polynomial', 'rbf', 'sigmoid', 'laplacian', 'cosine', 'chi2', 'additive_chi2'],
] as readonly PairwiseKernel[];

export type PairwiseKernel =
  | 'linear'
  | 'poly'
  | 'polynomial'
  | 'rbf'
  | 'sigmoid'
  | 'laplacian'
  | 'cosine'
  | 'chi2'
  | 'additive_chi2';

export interface KernelParameters {
  readonly gamma: number;
  readonly degree: number;
  readonly coef0: number;
}

/** [batch, n] and points [m, n] → kernel values [batch, m]. Source: sklearn/metrics/pairwise.py */
export function pairwiseKernel(
  call: Call,
  kernel: PairwiseKernel,
  x: Matrix | SparseMatrix,
  points: Points,
  { gamma, degree, coef0 }: KernelParameters,
): Value {
  const dense = () => (x.kind === 'sparse' ? densify(call.graph, x).value : x.value);
  const scaled = (value: Value, factor: number) => call.node('Mul', [value, call.scalar(factor)]);
  const affine = () => call.node('Add', [scaled(innerProducts(call, x, points), gamma), call.scalar(coef0)]);
  switch (kernel) {
    case 'linear':
      return innerProducts(call, x, points);
    case 'poly':
    case 'polynomial':
      return call.node('Pow', [affine(), call.scalar(degree)]);
    case 'sigmoid':
      return call.node('Tanh', [affine()]);
    case 'rbf':
      return call.node('Exp', [scaled(expandedDistances(call, x, points), -gamma)]);
    case 'laplacian':
      return call.node('Exp', [scaled(absoluteDifferences(call, dense(), points), -gamma)]);
    case 'cosine':
      return cosine(call, { kind: 'matrix', value: dense(), size: points.columns, finite: true }, points);
    case 'chi2':
      return call.node('Exp', [scaled(additiveChi2(call, dense(), points), gamma)]);
    case 'additive_chi2':
      return additiveChi2(call, dense(), points);
  }
}

/** Products of rows divided by their lengths; a row of zeros stays one. */
function cosine(call: Call, x: Matrix, { data, rows, columns }: Points): Value {
  const lengths = call.node('Sqrt', [call.reduce('ReduceSum', call.node('Mul', [x.value, x.value]), 1, true)]);
  const zero = call.node('Equal', [lengths, call.scalar(0)]);
  const value = call.node('Div', [x.value, call.node('Where', [zero, call.scalar(1), lengths])]);
  const unit = data.slice();
  for (let i = 0; i < rows; i++) {
    const row = unit.subarray(i * columns, (i + 1) * columns);
    const length = Math.sqrt(row.reduce((sum, item) => sum + item * item, 0)) || 1;
    for (const [j, item] of row.entries()) row[j] = item / length;
  }
  return innerProducts(call, { ...x, value }, { data: unit, rows, columns });
}

/** `-Σ (x - y)² / (x + y)`, features that are zero in both left out. Negative numbers are refused, as scikit-learn raises. */
function additiveChi2(call: Call, x: Value, points: Points): Value {
  call.guard(
    call.node('GreaterOrEqual', [call.reduce('ReduceMin', x), call.scalar(0)]),
    'a negative value, of which there is no chi-squared kernel',
  );
  return againstPoints(call, x, points, (graph, row, constant) => {
    const zero = graph.scalar(0, 'float64');
    const difference = graph.node('Sub', [row, constant]);
    const sum = graph.node('Add', [row, constant]);
    const none = graph.node('Equal', [sum, zero]);
    const share = graph.node('Div', [
      graph.node('Mul', [difference, difference]),
      graph.node('Where', [none, graph.scalar(1, 'float64'), sum]),
    ]);
    return graph.node('Neg', [graph.node('ReduceSum', [share, graph.int64s([-1])], { keepdims: 0 })]);
  });
}
