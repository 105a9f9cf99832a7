import type { EstimatorConverter } from '../converter.js';
import { matrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';
import { invert } from './inverse.js';
import { componentsInput } from './projection.js';

/**
 * [batch, n] → transform [batch, components]: the expected latent variables, `(x - mean_) · Wᵀ · (1 + W · Cᵀ)⁻¹`,
 * where C is `components_` and W is C / `noise_variance_`.
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
    const covariance = invert(precision, size) ?? estimator.refuse('its covariance cannot be inverted');
    return {
      transform() {
        const centred = call.node('Sub', [call.matrix(columns).value, call.floats(estimator.vector('mean_', columns))]);
        const product = call.node('MatMul', [
          centred,
          call.floats(transposed(weights, size, columns), [columns, size]),
        ]);
        return matrix(call.node('MatMul', [product, call.floats(covariance, [size, size])]), size, true);
      },
    };
  },
};
