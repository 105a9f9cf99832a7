import type { EstimatorConverter } from '../converter.js';
import { componentsInput, projected } from './projection.js';

/** [batch, n] → transform [batch, components]: `x · components_ᵀ`. */
export const truncatedSvd: EstimatorConverter = {
  className: 'sklearn.decomposition._truncated_svd.TruncatedSVD',
  parameters: [
    ...['n_components', 'algorithm', 'n_iter', 'n_oversamples', 'power_iteration_normalizer', 'random_state', 'tol'],
  ],
  input: componentsInput,
  convert: (call) => ({ transform: () => projected(call, undefined) }),
};
