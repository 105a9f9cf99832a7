import { applyVector, type EstimatorConverter, transformed } from '../converter.js';
import type { Estimator } from '../estimator.js';

/** [batch, n] → transform [batch, n]: `(x - mean_) / scale_`, either part as `with_mean` and `with_std` say. */
export const standardScaler: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.StandardScaler',
  parameters: ['copy', 'with_mean', 'with_std'],
  features(estimator: Estimator) {
    estimator.checkFitted('n_samples_seen_');
    const { mean, scale } = readStandardScaler(estimator);
    const size = mean?.length ?? scale?.length ?? estimator.featureCount();
    if (size !== (scale?.length ?? size)) estimator.refuse(`scale_ has ${scale?.length} values for ${size} features`);
    return size;
  },
  convert(call) {
    const { mean, scale } = readStandardScaler(call.estimator);
    let x = call.input.value;
    if (mean !== undefined) x = applyVector(call, 'Sub', x, mean, 'mean');
    if (scale !== undefined) x = applyVector(call, 'Div', x, scale, 'scale');
    return transformed(call, x);
  },
};

/** What is subtracted and what is divided by; `undefined` for a part that is off. */
export function readStandardScaler(estimator: Estimator): { mean?: Float64Array; scale?: Float64Array } {
  return {
    ...(estimator.boolean('with_mean') ? { mean: estimator.vector('mean_') } : {}),
    ...(estimator.boolean('with_std') ? { scale: estimator.vector('scale_') } : {}),
  };
}
