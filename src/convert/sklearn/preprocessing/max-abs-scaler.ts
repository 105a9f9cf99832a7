import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { matrix } from '../features.js';
import { clipped, scaledPairs } from './scaling.js';

/** [batch, n] → transform [batch, n]: `x / scale_`, cut to [-1, 1] when `clip` is on. */
export const maxAbsScaler: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.MaxAbsScaler',
  // `clip` came with 1.8.
  parameters: ['copy', 'clip'],
  input(estimator) {
    estimator.checkFitted('scale_');
    return tableOf(estimator, estimator.vector('scale_').length);
  },
  convert(call) {
    const { estimator } = call;
    const scale = estimator.vector('scale_');
    return {
      transform() {
        const result = scaledPairs(call, scale);
        if (!estimator.boolean('clip', false)) return result;
        if (result.kind === 'sparse') return { ...result, values: clipped(call, result.values, -1, 1) };
        if (result.kind !== 'matrix') throw new Error('a scaled input is a matrix');
        return matrix(clipped(call, result.value, -1, 1), result.size, result.finite);
      },
    };
  },
};
