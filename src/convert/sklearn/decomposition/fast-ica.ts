import type { EstimatorConverter } from '../converter.js';
import { componentsInput, projected } from './projection.js';

/** [batch, n] → transform [batch, components]: `(x - mean_) · components_ᵀ`; nothing is taken off without `whiten`. */
export const fastIca: EstimatorConverter = {
  className: 'sklearn.decomposition._fastica.FastICA',
  parameters: [
    ...['n_components', 'algorithm', 'whiten', 'fun', 'fun_args', 'max_iter', 'tol', 'w_init', 'whiten_solver'],
    'random_state',
  ],
  input: componentsInput,
  convert(call) {
    const { estimator } = call;
    // A text since 1.1: how the components were scaled.
    const whitened = estimator.get('whiten') !== false;
    const { columns } = estimator.matrix('components_');
    return { transform: () => projected(call, whitened ? estimator.vector('mean_', columns) : undefined) };
  },
};
