import type { EstimatorConverter } from '../converter.js';
import { cosineFeatures, randomWeightsInput } from './random-features.js';

/** [batch, n] → transform [batch, components]: the cosines of `x · random_weights_ + random_offset_`. */
export const rbfSampler: EstimatorConverter = {
  className: 'sklearn.kernel_approximation.RBFSampler',
  // `gamma` went into the weights.
  parameters: ['gamma', 'n_components', 'random_state'],
  input: randomWeightsInput,
  convert(call) {
    const { data, columns } = call.estimator.matrix('random_weights_');
    return { transform: () => cosineFeatures(call, call.product(data, columns), columns) };
  },
};
