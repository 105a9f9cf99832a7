import type { EstimatorConverter } from '../converter.js';
import { cosineFeatures, randomWeightsInput } from './random-features.js';

/** [batch, n] → transform [batch, components]: the cosines of `ln(x + skewedness) · random_weights_ + random_offset_`. */
export const skewedChi2Sampler: EstimatorConverter = {
  className: 'sklearn.kernel_approximation.SkewedChi2Sampler',
  parameters: ['skewedness', 'n_components', 'random_state'],
  input: randomWeightsInput,
  convert(call) {
    const { estimator } = call;
    const weights = estimator.matrix('random_weights_');
    const skewedness = estimator.number('skewedness');
    return {
      transform() {
        const { value } = call.matrix(weights.rows);
        const least = call.reduce('ReduceMin', value);
        const message = `a value is not above the skewedness, ${-skewedness}, of ${estimator.name}`;
        call.guard(call.node('Greater', [least, call.scalar(-skewedness)]), message);
        const logarithm = call.node('Log', [call.node('Add', [value, call.scalar(skewedness)])]);
        const shape = [weights.rows, weights.columns];
        return cosineFeatures(
          call,
          call.node('MatMul', [logarithm, call.floats(weights.data, shape)]),
          weights.columns,
        );
      },
    };
  },
};
