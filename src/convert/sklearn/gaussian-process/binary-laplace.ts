import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { classifier, complement, isPositive } from '../classification.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { normalProbability } from '../meta/normal-probability.js';
import { covariance, variance } from './kernel.js';

/** Of the five error functions that stand for a logistic function: Williams and Barber (1998), appendix A. */
const lambdas = [0.41, 0.4, 0.37, 0.44, 0.39];
const weights = [-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654];

/** More samples than this are refused: a matrix of samples by samples is inverted. */
const mostSamples = 2000;

/**
 * [batch, n] → predict, the second class where the mean of the latent function is above zero; predict_proba, the
 * logistic function averaged over its distribution. Source: Rasmussen and Williams (2006), algorithm 3.2.
 */
export const binaryLaplace: EstimatorConverter = {
  className: 'sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace',
  parameters: [
    ...['copy_X_train', 'kernel', 'max_iter_predict', 'n_restarts_optimizer', 'optimizer', 'random_state'],
    // The last two are what the fit came to, kept without an underscore.
    ...['warm_start', 'rng', 'f_cached'],
  ],
  input: matrixInput('X_train_'),
  convert(call) {
    const { estimator } = call;
    const classes = estimator.labels('classes_');
    if (classes.shape[0] !== 2) estimator.refuse(`it has ${classes.shape[0]} classes, expected 2`);
    let parts: { kernel: Value; mean: Value } | undefined;
    const latent = () => {
      parts ??= latentMean(call);
      return parts;
    };
    const { predict, predict_proba } = classifier(call, {
      classes,
      index: () => isPositive(call, call.node('Squeeze', [latent().mean, call.graph.int64s([1])])),
      probabilities: () => probabilities(call, latent()),
    });
    return { classes, ...(predict && { predict }), ...(predict_proba && { predict_proba }) };
  },
};

/** Covariances with the training set, [batch, samples], and the mean of the latent function, [batch, 1]. */
function latentMean(call: Call): { kernel: Value; mean: Value } {
  const { estimator } = call;
  const points = estimator.matrix('X_train_');
  const { value: x } = call.matrix(points.columns);
  const targets = estimator.vector('y_train_', points.rows);
  const differences = estimator.vector('pi_', points.rows).map((pi, i) => targets[i]! - pi);
  const batch = call.node('Shape', [x], { end: 1 });
  const size = call.node('Concat', [batch, call.graph.int64s([points.rows])], { axis: 0 });
  const kernel = call.node('Expand', [covariance(call, x, points, estimator.get('kernel_')), size]);
  return { kernel, mean: call.node('Gemm', [kernel, call.floats(differences, [points.rows, 1])]) };
}

function probabilities(call: Call, { kernel, mean }: { kernel: Value; mean: Value }): Value {
  const { estimator } = call;
  const { columns } = estimator.matrix('X_train_');
  const { value: x } = call.matrix(columns);
  const { inverse, size } = invertRoot(estimator);
  const v = call.node('Gemm', [kernel, call.floats(inverse, [size, size], 'root')], { transB: 1 });
  const explained = call.reduce('ReduceSum', call.node('Mul', [v, v]), 1, true);
  const spread = call.node('Sub', [variance(call, x, columns, estimator.get('kernel_')), explained]);
  const alpha = call.node('Div', [call.scalar(1), call.node('Mul', [call.scalar(2), spread])]);
  const gamma = call.node('Mul', [call.floats(lambdas), mean]);
  const squares = call.floats(lambdas.map((lambda) => lambda ** 2));
  const root = call.node('Sqrt', [call.node('Div', [alpha, call.node('Add', [alpha, squares])])]);
  // √(π / alpha) / (2 √(2π spread)) is ½, and erf(z) is 2 Φ(√2 z) - 1.
  const normal = normalProbability(call, call.node('Mul', [call.scalar(Math.SQRT2), call.node('Mul', [gamma, root])]));
  const halves = call.node('Sub', [normal, call.scalar(0.5)]);
  const sum = call.reduce('ReduceSum', call.node('Mul', [halves, call.floats(weights)]));
  const half = 0.5 * weights.reduce((total, weight) => total + weight, 0);
  return complement(call, call.node('Add', [sum, call.scalar(half)]));
}

/** `L⁻¹ · diag(W_sr_)`, [samples, samples]: L is triangular, and no eigenvalue of `L Lᵀ` is below 1. */
function invertRoot(estimator: Estimator): { inverse: Float64Array; size: number } {
  const roots = estimator.vector('W_sr_');
  const size = roots.length;
  if (size > mostSamples) estimator.refuse(`it keeps ${size} samples; ${mostSamples} are the most that are converted`);
  const { data: lower } = estimator.matrix('L_', size, size);
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const row = inverse.subarray(i * size, (i + 1) * size);
    row[i] = 1;
    for (let k = 0; k < i; k++) {
      const factor = lower[i * size + k]!;
      if (factor === 0) continue;
      for (let j = 0; j <= k; j++) row[j]! -= factor * inverse[k * size + j]!;
    }
    const pivot = lower[i * size + i]!;
    for (let j = 0; j <= i; j++) row[j]! /= pivot;
  }
  return { inverse: inverse.map((value, k) => value * roots[k % size]!), size };
}
