import { logistic } from '../classification.js';
import type { EstimatorConverter } from '../converter.js';
import { componentsInput } from '../decomposition/projection.js';
import { matrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';

/** [batch, n] → transform [batch, components]: the chance of each hidden unit, `σ(x · components_ᵀ + intercept_hidden_)`. */
export const bernoulliRbm: EstimatorConverter = {
  className: 'sklearn.neural_network._rbm.BernoulliRBM',
  parameters: ['n_components', 'learning_rate', 'batch_size', 'n_iter', 'verbose', 'random_state'],
  input: componentsInput,
  convert(call) {
    const { estimator } = call;
    const { data, rows, columns } = estimator.matrix('components_');
    const intercept = estimator.vector('intercept_hidden_', rows);
    return {
      transform() {
        const product = call.product(transposed(data, rows, columns), rows);
        return matrix(logistic(call, call.node('Add', [product, call.floats(intercept)])), rows, true);
      },
    };
  },
};
