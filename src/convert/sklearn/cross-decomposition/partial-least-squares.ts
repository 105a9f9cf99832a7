import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, InputShape, Output } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { matrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';
import { regression } from '../regression.js';

/** [batch, n] → predict [batch, targets], or [batch] as it was trained; transform [batch, components]. */
function partialLeastSquares(name: string): EstimatorConverter {
  return {
    className: `sklearn.cross_decomposition._pls.${name}`,
    parameters: [
      ...['algorithm', 'copy', 'deflation_mode', 'max_iter', 'mode', 'n_components', 'norm_y_weights', 'scale', 'tol'],
    ],
    input: (estimator) => plsInput(estimator, 'x_rotations_'),
    convert: (call) => ({ predict: () => predict(call), transform: () => project(call, 'x_rotations_') }),
  };
}

export const plsRegression = partialLeastSquares('PLSRegression');
export const plsCanonical = partialLeastSquares('PLSCanonical');
export const cca = partialLeastSquares('CCA');

/** [batch, n] → transform [batch, components]. */
export const plsSVD: EstimatorConverter = {
  className: 'sklearn.cross_decomposition._pls.PLSSVD',
  parameters: ['copy', 'n_components', 'scale'],
  input: (estimator) => plsInput(estimator, 'x_weights_'),
  convert: (call) => ({ transform: () => project(call, 'x_weights_') }),
};

function plsInput(estimator: Estimator, weights: string): InputShape {
  estimator.checkFitted(weights);
  return tableOf(estimator, estimator.matrix(weights).rows);
}

/** A vector that lost its underscore at the end in 0.24, and got one in front. */
const statistic = (estimator: Estimator, name: string, size: number) =>
  estimator.vector(estimator.has(`_${name}`) ? `_${name}` : `${name}_`, size);

function normalise(call: Call, size: number, scale: boolean): Value {
  const { estimator } = call;
  const centred = call.node('Sub', [call.matrix(size).value, call.floats(statistic(estimator, 'x_mean', size))]);
  return scale ? call.node('Div', [centred, call.floats(statistic(estimator, 'x_std', size))]) : centred;
}

function project(call: Call, weights: string) {
  const { data, rows, columns } = call.estimator.matrix(weights);
  return matrix(call.node('Gemm', [normalise(call, rows, true), call.floats(data, [rows, columns])]), columns, true);
}

function predict(call: Call): Output {
  const { estimator } = call;
  const { weights, size, targets } = readCoefficients(estimator);
  // Since 1.5 the coefficients are those of the features as they come.
  const x = normalise(call, size, !estimator.since([1, 5]));
  const product = call.node('Gemm', [x, call.floats(weights, [size, targets])]);
  const means = estimator.has('intercept_')
    ? estimator.vector('intercept_', targets)
    : statistic(estimator, 'y_mean', targets);
  const value = call.node('Add', [product, call.floats(means)]);
  // Since 1.3 a vector of targets is given back as one.
  return regression(call, value, targets, estimator.get('_predict_1d') === true);
}

/** [n, targets]: kept so until 1.0, transposed since 1.1, which called it `_coef_` until 1.2. */
function readCoefficients(estimator: Estimator): { weights: Float64Array; size: number; targets: number } {
  const { data, rows, columns } = estimator.matrix(estimator.has('_coef_') ? '_coef_' : 'coef_');
  if (!estimator.since([1, 1])) return { weights: data, size: rows, targets: columns };
  return { weights: transposed(data, rows, columns), size: columns, targets: rows };
}
