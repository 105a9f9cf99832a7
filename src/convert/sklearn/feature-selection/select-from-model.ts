import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { readImportances } from './importances.js';
import { median, pairwiseSum, selectSupported, stableArgsort } from './support.js';
import { takesMissing } from './wrapped-estimator.js';

/** [batch, n] → transform: the features that its estimator finds important, by `threshold` and `max_features`. */
export const selectFromModel: EstimatorConverter = {
  className: 'sklearn.feature_selection._from_model.SelectFromModel',
  parameters: ['estimator', 'threshold', 'prefit', 'norm_order', 'max_features', 'importance_getter'],
  input: (estimator) => tableOf(estimator, maskOf(estimator).length),
  convert(call) {
    const mask = maskOf(call.estimator);
    return { transform: () => selectSupported(call, mask, takesMissing(call.estimator)) };
  },
};

function maskOf(estimator: Estimator): boolean[] {
  const isPrefit = estimator.boolean('prefit') && !estimator.has('estimator_');
  if (!isPrefit) estimator.checkFitted('estimator_');
  const inner = estimator.partOf(estimator.part(isPrefit ? 'estimator' : 'estimator_'));
  const scores = readImportances(estimator, inner);
  const threshold = thresholdOf(estimator, inner, scores);
  const allowed = new Set(mostImportant(estimator, scores));
  return Array.from(scores, (score, i) => {
    const gap = Math.abs(score - threshold);
    // Importances are sums: a last digit must not decide.
    if (gap > 0 && Number.isFinite(threshold) && gap <= 1e-13 * Math.abs(threshold)) {
      estimator.refuse('the importance of a feature lies within rounding of the threshold');
    }
    return allowed.has(i) && !(score < threshold);
  });
}

function mostImportant(estimator: Estimator, scores: Float64Array): readonly number[] {
  const name = estimator.has('max_features_') ? 'max_features_' : 'max_features';
  const order = stableArgsort(scores.map((score) => -score));
  return estimator.has('max_features') ? order.slice(0, estimator.integer(name)) : order;
}

/** A number, `mean`, `median`, or a multiple of these as `1.25*mean`; without one it depends on the estimator. */
function thresholdOf(estimator: Estimator, inner: Estimator, scores: Float64Array): number {
  const given = estimator.get('threshold') ?? (isSparse(estimator, inner) ? 1e-5 : 'mean');
  if (typeof given !== 'string') return typeof given === 'number' ? given : estimator.number('threshold');
  const [, scale, reference] = /^(?:([^*]*)\*)?\s*(mean|median)\s*$/.exec(given) ?? [];
  const factor = scale === undefined ? 1 : Number(scale);
  if (reference === undefined || Number.isNaN(factor)) {
    return estimator.refuse(`its threshold is "${given.slice(0, 40)}"`);
  }
  return factor * (reference === 'mean' ? pairwiseSum(scores) / scores.length : median(scores));
}

/** An estimator that sets what is of no use to zero: features above 1e-5 are kept then. */
function isSparse(estimator: Estimator, inner: Estimator): boolean {
  if (inner.get('penalty') === 'l1' || inner.name.includes('Lasso')) return true;
  // Elastic nets count since 1.4.
  if (!inner.name.includes('ElasticNet') || !estimator.since([1, 4])) return false;
  const isOne = (name: string) => inner.has(name) && Math.abs(inner.number(name) - 1) <= 1e-8 + 1e-5;
  return isOne('l1_ratio_') || isOne('l1_ratio');
}
