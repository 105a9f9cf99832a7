import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { scaled, scaledPairs } from './scaling.js';

/** [batch, n] → transform [batch, n]: `(x - mean_) / scale_`, either part as `with_mean` and `with_std` say. */
export const standardScaler: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.StandardScaler',
  parameters: ['copy', 'with_mean', 'with_std'],
  // One that does neither keeps nothing that tells the number of features, until 0.23.
  input: (estimator) => (isIdle(estimator) ? { kind: 'rows' } : tableOf(estimator, standardScalerSize(estimator))),
  convert(call) {
    const size = isIdle(call.estimator) ? undefined : standardScalerSize(call.estimator);
    const { mean, scale } = readStandardScaler(call.estimator);
    return {
      transform: () =>
        mean === undefined && scale !== undefined
          ? scaledPairs(call, scale)
          : scaled(call, size, [
              ...(mean === undefined ? [] : [['Sub', mean] as const]),
              ...(scale === undefined ? [] : [['Div', scale] as const]),
            ]),
    };
  },
};

function isIdle(estimator: Estimator): boolean {
  return !estimator.boolean('with_mean') && !estimator.boolean('with_std') && !estimator.has('n_features_in_');
}

/** Number of features. @throws estimator-unsupported when it is not fitted, or its parts differ */
export function standardScalerSize(estimator: Estimator): number {
  estimator.checkFitted('n_samples_seen_');
  const { mean, scale } = readStandardScaler(estimator);
  const size = mean?.length ?? scale?.length ?? estimator.featureCount();
  if (size !== (scale?.length ?? size)) estimator.refuse(`scale_ has ${scale?.length} values for ${size} features`);
  return size;
}

/** What is subtracted and what is divided by; `undefined` for a part that is off. */
export function readStandardScaler(estimator: Estimator): { mean?: Float64Array; scale?: Float64Array } {
  return {
    ...(estimator.boolean('with_mean') ? { mean: estimator.vector('mean_') } : {}),
    ...(estimator.boolean('with_std') ? { scale: estimator.vector('scale_') } : {}),
  };
}
