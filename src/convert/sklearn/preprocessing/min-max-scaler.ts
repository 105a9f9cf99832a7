import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { matrix } from '../features.js';
import { clipped, scaled } from './scaling.js';

/** [batch, n] → transform [batch, n]: `x * scale_ + min_`, cut to `feature_range` when `clip` is on. */
export const minMaxScaler: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.MinMaxScaler',
  // `clip` came with 0.24.
  parameters: ['feature_range', 'copy', 'clip'],
  input(estimator) {
    estimator.checkFitted('scale_');
    return tableOf(estimator, estimator.vector('scale_').length);
  },
  convert(call) {
    const { estimator } = call;
    const scale = estimator.vector('scale_');
    return {
      transform() {
        const result = scaled(call, scale.length, [
          ['Mul', scale],
          ['Add', estimator.vector('min_', scale.length)],
        ]);
        if (result.kind !== 'matrix' || !estimator.boolean('clip', false)) return result;
        return matrix(clipped(call, result.value, ...estimator.pair('feature_range')), result.size, result.finite);
      },
    };
  },
};
