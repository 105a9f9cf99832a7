import type { EstimatorConverter } from '../converter.js';
import { matrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';
import { invert } from './inverse.js';
import { checkComponents, componentsInput } from './projection.js';

/**
 * [batch, n] → transform [batch, components]: the ridge regression of `x - mean_` on the components C,
 * `(x - mean_) · Cᵀ · (C · Cᵀ + ridge_alpha)⁻¹`.
 */
export function sparsePca(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters: [
      ...['n_components', 'alpha', 'ridge_alpha', 'method', 'n_jobs', 'verbose', 'random_state'],
      ...['normalize_components', ...parameters],
    ],
    input: componentsInput,
    convert(call) {
      const { estimator } = call;
      const normalised = estimator.get('normalize_components') ?? 'deprecated';
      if (!estimator.since([0, 20]) || normalised === false) {
        estimator.refuse('its components are not normalised, so that its results depend on the whole batch');
      }
      const { data, rows: size, columns } = estimator.matrix('components_');
      checkComponents(estimator, size, columns);
      const products = new Float64Array(size * size);
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          let sum = i === j ? estimator.number('ridge_alpha') : 0;
          for (let k = 0; k < columns; k++) sum += data[i * columns + k]! * data[j * columns + k]!;
          products[i * size + j] = sum;
        }
      }
      const inverse = invert(products, size) ?? estimator.refuse('its components cannot be inverted');
      return {
        transform() {
          const mean = call.floats(estimator.vector('mean_', columns));
          const centred = call.node('Sub', [call.matrix(columns).value, mean]);
          const product = call.node('MatMul', [centred, call.floats(transposed(data, size, columns), [columns, size])]);
          return matrix(call.node('MatMul', [product, call.floats(inverse, [size, size])]), size, true);
        },
      };
    },
  };
}
