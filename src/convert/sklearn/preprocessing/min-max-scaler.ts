import { applyVector, type EstimatorConverter, transformed } from '../converter.js';
import { clip } from './clip.js';

/** [batch, n] → transform [batch, n]: `x * scale_ + min_`, cut to `feature_range` when `clip` is on. */
export const minMaxScaler: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.MinMaxScaler',
  // `clip` came with 0.24.
  parameters: ['feature_range', 'copy', 'clip'],
  features(estimator) {
    estimator.checkFitted('scale_');
    return estimator.vector('scale_').length;
  },
  convert(call) {
    const { estimator, input } = call;
    let x = applyVector(call, 'Mul', input.value, estimator.vector('scale_', input.size), 'scale');
    x = applyVector(call, 'Add', x, estimator.vector('min_', input.size), 'min');
    if (estimator.boolean('clip', false)) x = clip(call.graph, x, ...estimator.pair('feature_range'));
    return transformed(call, x);
  },
};
