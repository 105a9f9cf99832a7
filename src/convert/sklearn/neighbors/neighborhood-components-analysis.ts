import type { EstimatorConverter } from '../converter.js';
import { componentsInput, projected } from '../decomposition/projection.js';

/** [batch, n] → transform [batch, components]: `x · components_ᵀ`. */
export const neighborhoodComponentsAnalysis: EstimatorConverter = {
  className: 'sklearn.neighbors._nca.NeighborhoodComponentsAnalysis',
  parameters: ['n_components', 'init', 'warm_start', 'max_iter', 'tol', 'callback', 'verbose', 'random_state'],
  input: componentsInput,
  convert: (call) => ({ transform: () => projected(call, undefined) }),
};
