import type { EstimatorConverter } from '../converter.js';
import { forward, perceptronInput, perceptronParameters } from './multilayer-perceptron.js';

/** [batch, n] → predict [batch], or [batch, targets]. */
export const mlpRegressor: EstimatorConverter = {
  className: 'sklearn.neural_network._multilayer_perceptron.MLPRegressor',
  parameters: perceptronParameters,
  input: perceptronInput,
  convert: (call) => ({
    predict() {
      const { value, outputs } = forward(call);
      if (outputs > 1) return { value, dtype: 'float64', shape: [null, outputs] };
      return { value: call.node('Squeeze', [value, call.graph.int64s([1])]), dtype: 'float64', shape: [null] };
    },
  }),
};
