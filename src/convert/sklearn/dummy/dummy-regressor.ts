import { anyWidthInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { regression } from '../regression.js';
import { constantRows } from './constant-rows.js';

/** [batch, any] → predict [batch], or [batch, targets]: `constant_`, whatever the input. */
export const dummyRegressor: EstimatorConverter = {
  className: 'sklearn.dummy.DummyRegressor',
  parameters: ['constant', 'quantile', 'strategy'],
  input: anyWidthInput,
  convert(call) {
    const { estimator } = call;
    estimator.checkFitted('constant_');
    const { data } = estimator.numbers('constant_');
    // Until 0.21 a matrix of one target was given back as one.
    const matrix = data.length > 1 || estimator.get('output_2d_') === true;
    return {
      predict() {
        const value = constantRows(call, data);
        return regression(call, value, data.length, !matrix);
      },
    };
  },
};
