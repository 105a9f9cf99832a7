import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { selectSupported } from './support.js';

/** [batch, n] → transform: the features whose variance in training was above `threshold`. */
export const varianceThreshold: EstimatorConverter = {
  className: 'sklearn.feature_selection._variance_threshold.VarianceThreshold',
  parameters: ['threshold'],
  input(estimator) {
    estimator.checkFitted('variances_');
    return tableOf(estimator, estimator.vector('variances_').length);
  },
  convert(call) {
    const { estimator } = call;
    const threshold = estimator.number('threshold');
    const mask = Array.from(estimator.vector('variances_'), (variance) => variance > threshold);
    // It takes missing values since 0.21, and infinities with them.
    return { transform: () => selectSupported(call, mask, estimator.since([0, 21])) };
  },
};
