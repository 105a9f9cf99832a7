import { isInlier } from '../classification.js';
import type { EstimatorConverter } from '../converter.js';
import { linearClassifierInput } from './linear-classifier.js';
import { sgdParameters } from './sgd-parameters.js';

/** [batch, n] → score_samples `x · coef_`, decision_function that less `offset_`, predict 1 where it is not negative, else -1. */
export const sgdOneClassSVM: EstimatorConverter = {
  className: 'sklearn.linear_model._stochastic_gradient.SGDOneClassSVM',
  parameters: [...sgdParameters, 'nu'],
  input: linearClassifierInput,
  convert(call) {
    const { estimator } = call;
    const { data } = estimator.matrix('coef_', 1);
    const [offset = 0] = estimator.vector('offset_', 1);
    const samples = () => call.node('Squeeze', [call.product(data, 1), call.graph.int64s([1])]);
    const decision = () => call.node('Sub', [samples(), call.scalar(offset)]);
    return {
      score_samples: () => ({ value: samples(), dtype: 'float64', shape: [null] }),
      decision_function: () => ({ value: decision(), dtype: 'float64', shape: [null] }),
      predict: () => isInlier(call, decision()),
    };
  },
};
