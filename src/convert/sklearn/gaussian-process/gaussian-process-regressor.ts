import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { regression } from '../regression.js';
import { covariance } from './kernel.js';

/** [batch, n] → predict, the mean of the posterior, [batch] or [batch, targets]: `kernel_(x, X_train_) · alpha_`. */
export const gaussianProcessRegressor: EstimatorConverter = {
  className: 'sklearn.gaussian_process._gpr.GaussianProcessRegressor',
  parameters: [
    ...['alpha', 'copy_X_train', 'kernel', 'n_restarts_optimizer', 'normalize_y', 'optimizer', 'random_state'],
    // 0.18 kept what it learnt under names like these.
    ...['n_targets', 'rng', 'y_train_mean'],
  ],
  input: matrixInput('X_train_'),
  convert(call) {
    const { estimator } = call;
    const points = estimator.matrix('X_train_');
    const { data, shape } = estimator.numbers('alpha_');
    if (shape[0] !== points.rows || shape.length > 2) {
      estimator.refuse(`alpha_ has ${shape[0]} rows for ${points.rows} samples`);
    }
    const targets = shape[1] ?? 1;
    return {
      predict() {
        const { value: x } = call.matrix(points.columns);
        const batch = call.node('Shape', [x], { end: 1 });
        const size = call.node('Concat', [batch, call.graph.int64s([points.rows])], { axis: 0 });
        // A kernel of constants alone is one number.
        const kernel = call.node('Expand', [covariance(call, x, points, estimator.get('kernel_')), size]);
        const mean = call.node('Gemm', [kernel, call.floats(data, [points.rows, targets], 'alpha')]);
        // Since 0.23 the targets are scaled as well as centred.
        const scaled = estimator.has('_y_train_std')
          ? call.node('Mul', [call.floats(estimator.scalarOrNumbers('_y_train_std').data), mean])
          : mean;
        const centre = estimator.has('_y_train_mean') ? '_y_train_mean' : 'y_train_mean';
        const value = call.node('Add', [scaled, call.floats(estimator.scalarOrNumbers(centre).data)]);
        // Since 1.1 a matrix of one target is given back as a vector.
        return regression(call, value, targets, shape.length === 1 || (targets === 1 && estimator.since([1, 1])));
      },
    };
  },
};
