import { applyVector, type EstimatorConverter, transformed } from '../converter.js';
import { clip } from './clip.js';

/** [batch, n] → transform [batch, n]: `x / scale_`, cut to [-1, 1] when `clip` is on. */
export const maxAbsScaler: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.MaxAbsScaler',
  // `clip` came with 1.8.
  parameters: ['copy', 'clip'],
  features(estimator) {
    estimator.checkFitted('scale_');
    return estimator.vector('scale_').length;
  },
  convert(call) {
    const { estimator, input } = call;
    let x = applyVector(call, 'Div', input.value, estimator.vector('scale_', input.size), 'scale');
    if (estimator.boolean('clip', false)) x = clip(call.graph, x, -1, 1);
    return transformed(call, x);
  },
};
