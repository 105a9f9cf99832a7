import type { EstimatorConverter } from '../converter.js';
import { matrix } from '../features.js';
import { componentsInput, projected } from './projection.js';

/** [batch, n] → transform [batch, components]: `(x - mean_) · components_ᵀ`, to unit variance when `whiten` is on. */
export function pca(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters,
    input: componentsInput,
    convert(call) {
      const { estimator } = call;
      return {
        transform() {
          const { rows, columns } = estimator.matrix('components_');
          const mean = estimator.has('mean_') ? estimator.vector('mean_', columns) : undefined;
          // 1.5 came to take off the mean after the product.
          const result = projected(call, mean, !estimator.since([1, 5]));
          if (!estimator.boolean('whiten')) return result;
          const least = estimator.since([1, 5]) ? Number.EPSILON : 0;
          const scale = estimator
            .vector('explained_variance_', rows)
            .map((variance) => Math.max(Math.sqrt(variance), least));
          if (result.kind !== 'matrix') throw new Error('a projection is a matrix');
          return matrix(call.node('Div', [result.value, call.floats(scale)]), rows, !scale.includes(0));
        },
      };
    },
  };
}
