import type { EstimatorConverter } from '../converter.js';
import { componentsInput } from '../decomposition/projection.js';
import { matrix } from '../features.js';
import { ownKernel } from '../kernels/own-kernel.js';
import { transposed } from '../linear/linear-regressor.js';

/** [batch, n] → transform [batch, components]: the kernel with `components_`, times `normalization_`ᵀ. */
export const nystroem: EstimatorConverter = {
  className: 'sklearn.kernel_approximation.Nystroem',
  parameters: ['kernel', 'gamma', 'coef0', 'degree', 'kernel_params', 'n_components', 'random_state', 'n_jobs'],
  input: componentsInput,
  convert(call) {
    const { estimator } = call;
    const points = estimator.matrix('components_');
    const { data } = estimator.matrix('normalization_', points.rows, points.rows);
    return {
      transform() {
        const weights = call.floats(transposed(data, points.rows, points.rows), [points.rows, points.rows]);
        return matrix(call.node('MatMul', [ownKernel(call, points), weights]), points.rows, true);
      },
    };
  },
};
