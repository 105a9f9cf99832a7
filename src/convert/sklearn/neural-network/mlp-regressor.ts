import type { EstimatorConverter } from '../converter.js';
import { regression } from '../regression.js';
import { forward, perceptronInput, perceptronParameters } from './multilayer-perceptron.js';

/** [batch, n] → predict [batch], or [batch, targets]. */
export const mlpRegressor: EstimatorConverter = {
  className: 'sklearn.neural_network._multilayer_perceptron.MLPRegressor',
  parameters: perceptronParameters,
  input: perceptronInput,
  convert: (call) => ({
    predict() {
      const { value, outputs } = forward(call);
      return regression(call, value, outputs);
    },
  }),
};
