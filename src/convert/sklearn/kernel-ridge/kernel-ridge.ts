import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { pairwiseKernel, pairwiseKernels } from '../kernels/pairwise-kernels.js';
import { regression } from '../regression.js';

/** [batch, n] → predict [batch], or [batch, targets]: `kernel(x, X_fit_) · dual_coef_`. */
export const kernelRidge: EstimatorConverter = {
  className: 'sklearn.kernel_ridge.KernelRidge',
  parameters: ['alpha', 'coef0', 'degree', 'gamma', 'kernel', 'kernel_params'],
  input: matrixInput('X_fit_'),
  convert(call) {
    const { estimator } = call;
    const points = estimator.matrix('X_fit_');
    const { data, shape } = estimator.numbers('dual_coef_');
    const targets = shape.length === 1 ? 1 : shape[1]!;
    if (shape[0] !== points.rows) estimator.refuse(`dual_coef_ has ${shape[0]} rows for ${points.rows} samples`);
    const kernel = estimator.choice('kernel', [...pairwiseKernels, 'precomputed']);
    const parameters = {
      gamma: estimator.has('gamma') ? estimator.number('gamma') : 1 / points.columns,
      degree: estimator.number('degree'),
      coef0: estimator.number('coef0'),
    };
    return {
      predict() {
        const x = call.numbers(points.columns);
        const values =
          kernel === 'precomputed'
            ? call.matrix(points.columns).value
            : pairwiseKernel(call, kernel, x, points, parameters);
        const value = call.node('Gemm', [values, call.floats(data, [points.rows, targets], 'dual')]);
        return regression(call, value, targets, shape.length === 1);
      },
    };
  },
};
