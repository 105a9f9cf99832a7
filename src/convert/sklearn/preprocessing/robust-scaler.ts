import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { scaled, scaledPairs } from './scaling.js';

/** [batch, n] → transform [batch, n]: `(x - center_) / scale_`, either part as `with_centering` and `with_scaling` say. */
export const robustScaler: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.RobustScaler',
  // What the quantiles were matters to `fit` alone.
  parameters: ['with_centering', 'with_scaling', 'quantile_range', 'copy', 'unit_variance'],
  input: (estimator) => (isIdle(estimator) ? { kind: 'rows' } : tableOf(estimator, sizeOf(estimator))),
  convert(call) {
    const size = isIdle(call.estimator) ? undefined : sizeOf(call.estimator);
    const { center, scale } = readParts(call.estimator);
    return {
      transform: () =>
        center === undefined && scale !== undefined
          ? scaledPairs(call, scale)
          : scaled(call, size, [
              ...(center === undefined ? [] : [['Sub', center] as const]),
              ...(scale === undefined ? [] : [['Div', scale] as const]),
            ]),
    };
  },
};

/** Until 0.23 one that does neither keeps nothing that tells the number of features. */
function isIdle(estimator: Estimator): boolean {
  return !estimator.boolean('with_centering') && !estimator.boolean('with_scaling') && !estimator.has('n_features_in_');
}

function sizeOf(estimator: Estimator): number {
  // 0.19 has no center_ where it does not centre.
  estimator.checkFitted(estimator.has('scale_') ? 'scale_' : 'center_');
  const { center, scale } = readParts(estimator);
  const size = center?.length ?? scale?.length ?? estimator.featureCount();
  if (size !== (scale?.length ?? size)) estimator.refuse(`scale_ has ${scale?.length} values for ${size} features`);
  return size;
}

function readParts(estimator: Estimator): { center?: Float64Array; scale?: Float64Array } {
  return {
    ...(estimator.boolean('with_centering') ? { center: estimator.vector('center_') } : {}),
    ...(estimator.boolean('with_scaling') ? { scale: estimator.vector('scale_') } : {}),
  };
}
