import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { matrix } from '../features.js';

/** [batch, n] → transform [batch, components]: `√(2 / components) · cos(x · random_weights_ + random_offset_)`. */
export const rbfSampler: EstimatorConverter = {
  className: 'sklearn.kernel_approximation.RBFSampler',
  // `gamma` went into the weights.
  parameters: ['gamma', 'n_components', 'random_state'],
  input(estimator) {
    estimator.checkFitted('random_weights_');
    return tableOf(estimator, estimator.matrix('random_weights_').rows);
  },
  convert(call) {
    const { estimator } = call;
    const { data, columns } = estimator.matrix('random_weights_');
    const offsets = estimator.vector('random_offset_', columns);
    return {
      transform() {
        const angles = call.node('Add', [call.product(data, columns), call.floats(offsets)]);
        const scale = call.scalar(Math.sqrt(2 / columns));
        return matrix(call.node('Mul', [call.node('Cos', [angles]), scale]), columns, true);
      },
    };
  },
};
