import type { EstimatorConverter } from '../converter.js';
import { asFloat } from '../ensemble/combine.js';
import { inverseTransformed } from './inverse-transform.js';

/** [batch, n] → predict: what the regressor predicts, transformed back. */
export const transformedTargetRegressor: EstimatorConverter = {
  className: 'sklearn.compose._target.TransformedTargetRegressor',
  parameters: ['regressor', 'transformer', 'func', 'inverse_func', 'check_inverse'],
  input(estimator, describe) {
    estimator.checkFitted('regressor_');
    return describe(estimator.partOf(estimator.part('regressor_')));
  },
  convert(call) {
    const { estimator, graph } = call;
    estimator.checkFitted('regressor_');
    const regressor = call.convert(estimator.part('regressor_'), call.input);
    return {
      predict: () => {
        const output = regressor.predict?.() ?? estimator.refuse('its regressor does not predict');
        const [, targets = 1] = output.shape;
        const flat = asFloat(call, output);
        const predicted = output.shape.length === 1 ? call.node('Unsqueeze', [flat, graph.int64s([1])]) : flat;
        const value = inverseTransformed(call, estimator.part('transformer_'), predicted, targets ?? 1);
        if (estimator.integer('_training_dim') !== 1 || targets !== 1) {
          return { value, dtype: 'float64', shape: [null, targets] };
        }
        return { value: call.node('Squeeze', [value, graph.int64s([1])]), dtype: 'float64', shape: [null] };
      },
    };
  },
};
