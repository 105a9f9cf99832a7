import type { Value } from '../../graph-builder.js';
import type { EstimatorConverter } from '../converter.js';
import { matrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';
import { eliminate } from './inverse.js';
import { checkComponents, componentsInput, logDensity } from './projection.js';

/**
 * [batch, n] → transform [batch, components]: the expected latent variables, `(x - mean_) · Wᵀ · (1 + W · Cᵀ)⁻¹`,
 * where C is `components_` and W is C / `noise_variance_`; score_samples [batch]: the logarithm of the density.
 */
export const factorAnalysis: EstimatorConverter = {
  className: 'sklearn.decomposition._factor_analysis.FactorAnalysis',
  parameters: [
    ...['n_components', 'tol', 'copy', 'max_iter', 'noise_variance_init', 'svd_method', 'iterated_power', 'rotation'],
    'random_state',
  ],
  input: componentsInput,
  convert(call) {
    const { estimator } = call;
    const { rows: size, columns, data } = estimator.matrix('components_');
    checkComponents(estimator, size, columns);
    const noise = estimator.vector('noise_variance_', columns);
    const weights = data.map((value, i) => value / noise[i % columns]!);
    const precision = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        let sum = i === j ? 1 : 0;
        for (let k = 0; k < columns; k++) sum += weights[i * columns + k]! * data[j * columns + k]!;
        precision[i * size + j] = sum;
      }
    }
    const { inverse: covariance, logDeterminant } =
      eliminate(precision, size) ?? estimator.refuse('its covariance cannot be inverted');
    const centred = () =>
      call.node('Sub', [call.matrix(columns).value, call.floats(estimator.vector('mean_', columns))]);
    const product = (x: Value) =>
      call.node('MatMul', [x, call.floats(transposed(weights, size, columns), [columns, size])]);
    const latent = (x: Value) => call.node('MatMul', [x, call.floats(covariance, [size, size])]);
    return {
      transform: () => matrix(latent(product(centred())), size, true),
      score_samples() {
        const x = centred();
        const own = call.reduce('ReduceSum', call.node('Div', [call.node('Mul', [x, x]), call.floats(noise)]));
        const inner = product(x);
        const shared = call.reduce('ReduceSum', call.node('Mul', [inner, latent(inner)]));
        const logNoise = noise.reduce((sum, value) => sum + Math.log(value), 0);
        return logDensity(call, call.node('Sub', [own, shared]), columns, logDeterminant + logNoise);
      },
    };
  },
};
