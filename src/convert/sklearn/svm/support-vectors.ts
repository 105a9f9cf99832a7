import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { InputShape } from '../converter.js';
import type { Estimator } from '../estimator.js';
import type { Points } from '../kernels/distances.js';
import { kernelValues } from './kernel.js';

export const kernels = ['linear', 'poly', 'rbf', 'sigmoid', 'precomputed'] as const;

/** What libsvm keeps of the training set. */
export interface SupportVectors {
  readonly kernel: (typeof kernels)[number];
  /** What `gamma="scale"` or `"auto"` came to. */
  readonly gamma: number;
  /** [support vectors, n]; of a precomputed kernel nothing. */
  readonly points: Points;
  /** [max(1, classes - 1), support vectors]. */
  readonly coefficients: Points;
  /** One a pair of classes; libsvm's `-rho`. */
  readonly intercepts: Float64Array;
  /** Features that it takes. */
  readonly size: number;
}

/** Parameters that every machine has. */
export const svmParameters = [
  ...['C', 'cache_size', 'class_weight', 'coef0', 'degree', 'epsilon', 'gamma', 'kernel', 'max_iter', 'nu'],
  ...['probability', 'random_state', 'shrinking', 'tol', 'verbose'],
];

export function svmInput(estimator: Estimator): InputShape {
  estimator.checkFitted('support_vectors_');
  return tableOf(estimator, sizeOf(estimator));
}

function sizeOf(estimator: Estimator): number {
  if (estimator.text('kernel') === 'precomputed')
    return estimator.list('shape_fit_').length > 0 ? fitRows(estimator) : 0;
  return estimator.matrix('support_vectors_').columns;
}

/** Columns of a precomputed kernel: the samples of the training set. */
function fitRows(estimator: Estimator): number {
  const rows = Number(estimator.list('shape_fit_')[0]);
  if (!Number.isInteger(rows) || rows <= 0) estimator.refuse('shape_fit_ should be the shape of its training set');
  return rows;
}

export function readSupportVectors(estimator: Estimator): SupportVectors {
  const kernel = estimator.choice('kernel', kernels);
  const points = estimator.matrix('support_vectors_');
  // The public dual_coef_ and intercept_ have the opposite sign for two classes; libsvm reads the private ones.
  const coefficients = estimator.matrix('_dual_coef_');
  if (kernel !== 'precomputed' && coefficients.columns !== points.rows) {
    estimator.refuse(`_dual_coef_ has ${coefficients.columns} columns for ${points.rows} support vectors`);
  }
  return {
    kernel,
    gamma: estimator.number('_gamma'),
    points,
    coefficients,
    intercepts: estimator.vector('_intercept_'),
    size: sizeOf(estimator),
  };
}

/**
 * `kernel · weights + intercepts`: [batch, width]; the weights are [support vectors, width]. The linear kernel becomes
 * one product with n · width coefficients.
 */
export function decide(call: Call, machine: SupportVectors, weights: Float64Array, width: number): Value {
  const { points, kernel, intercepts, size } = machine;
  const vectors = weights.length / width;
  let product: Value;
  if (kernel === 'linear') product = call.product(collapse(points, weights, width), width);
  else if (vectors === 0) product = call.product(new Float64Array(size * width), width);
  else product = call.node('MatMul', [kernelValues(call, machine), call.floats(weights, [vectors, width], 'dual')]);
  return call.node('Add', [product, call.floats(intercepts)]);
}

/** `pointsᵀ · weights`: [n, width]. */
function collapse({ data, rows, columns }: Points, weights: Float64Array, width: number): Float64Array {
  const result = new Float64Array(columns * width);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = data[i * columns + j]!;
      if (value !== 0) for (let k = 0; k < width; k++) result[j * width + k]! += value * weights[i * width + k]!;
    }
  }
  return result;
}
