import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { Matrix, SparseMatrix } from '../features.js';
import {
  expandedDistances,
  innerProducts,
  type Points,
  squaredDifferences,
  squaredNorms,
} from '../kernels/distances.js';
import type { SupportVectors } from './support-vectors.js';

/**
 * Values of the kernel, as libsvm's `k_function` computes them: [batch, support vectors].
 * Source: https://github.com/scikit-learn/scikit-learn/blob/main/sklearn/svm/src/libsvm/svm.cpp
 */
export function kernelValues(call: Call, machine: SupportVectors): Value {
  const { estimator } = call;
  const { points, kernel, size } = machine;
  const x = call.numbers(size);
  switch (kernel) {
    case 'precomputed': {
      const indices = BigInt64Array.from(estimator.vector('support_'), BigInt);
      if (indices.some((index) => index < 0n || index >= BigInt(size))) estimator.refuse('support_ has wrong indices');
      const { value } = call.matrix(size);
      return call.node(
        'Gather',
        [value, call.graph.constant({ dtype: 'int64', shape: [indices.length], data: indices })],
        { axis: 1 },
      );
    }
    case 'linear':
      return innerProducts(call, x, points);
    case 'poly':
      return power(call, affine(call, machine, innerProducts(call, x, points)), estimator.integer('degree'));
    case 'sigmoid':
      return call.node('Tanh', [affine(call, machine, innerProducts(call, x, points))]);
    case 'rbf':
      return call.node('Exp', [call.node('Mul', [call.scalar(-machine.gamma), distances(call, x, machine)])]);
  }
}

const affine = (call: Call, { gamma }: SupportVectors, product: Value) =>
  call.node('Add', [call.node('Mul', [call.scalar(gamma), product]), call.scalar(call.estimator.number('coef0'))]);

/** By repeated squaring, as libsvm's `powi`. */
function power(call: Call, base: Value, exponent: number): Value {
  if (exponent < 0 || exponent > 1000) call.estimator.refuse(`degree is ${exponent}; expected 0 to 1000`);
  let result: Value | undefined;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result === undefined ? square : call.node('Mul', [result, square]);
    if (rest > 1) square = call.node('Mul', [square, square]);
  }
  return result ?? call.node('Add', [call.node('Mul', [base, call.scalar(0)]), call.scalar(1)]);
}

/**
 * Squared distances. libsvm squares differences; one matrix product of what is left when the centre of the support
 * vectors is taken away does the same faster, and is used where its rounding errors cannot be seen in the kernel.
 */
function distances(call: Call, x: Matrix | SparseMatrix, { points, gamma }: SupportVectors): Value {
  if (x.kind === 'sparse') return expandedDistances(call, x, points);
  const centre = centreOf(points);
  const moved = { ...points, data: points.data.map((value, i) => value - centre[i % points.columns]!) };
  const farthest = squaredNorms(moved).reduce((most, norm) => Math.max(most, norm), 0);
  if (!(gamma * farthest < 1000)) return squaredDifferences(call, x.value, points);
  return expandedDistances(call, { ...x, value: call.node('Sub', [x.value, call.floats(centre)]) }, moved);
}

function centreOf({ data, rows, columns }: Points): Float64Array {
  const centre = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) centre[i % columns]! += data[i]! / rows;
  return centre;
}
