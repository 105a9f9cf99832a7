import { applyVector, type EstimatorConverter, transformed } from '../converter.js';
import type { Estimator } from '../estimator.js';

/** [batch, n] → transform [batch, n]: `(x - center_) / scale_`, either part as `with_centering` and `with_scaling` say. */
export const robustScaler: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.RobustScaler',
  // What the quantiles were matters to `fit` alone.
  parameters: ['with_centering', 'with_scaling', 'quantile_range', 'copy', 'unit_variance'],
  features(estimator: Estimator) {
    estimator.checkFitted('center_');
    const { center, scale } = readParts(estimator);
    const size = center?.length ?? scale?.length ?? estimator.featureCount();
    if (size !== (scale?.length ?? size)) estimator.refuse(`scale_ has ${scale?.length} values for ${size} features`);
    return size;
  },
  convert(call) {
    const { center, scale } = readParts(call.estimator);
    let x = call.input.value;
    if (center !== undefined) x = applyVector(call, 'Sub', x, center, 'center');
    if (scale !== undefined) x = applyVector(call, 'Div', x, scale, 'scale');
    return transformed(call, x);
  },
};

function readParts(estimator: Estimator): { center?: Float64Array; scale?: Float64Array } {
  return {
    ...(estimator.boolean('with_centering') ? { center: estimator.vector('center_') } : {}),
    ...(estimator.boolean('with_scaling') ? { scale: estimator.vector('scale_') } : {}),
  };
}
