/** Selectors by a score of each feature alone. The scores are in the file; which features they keep is computed here. */
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { selectSupported, stableArgsort } from './support.js';

type Mask = boolean[];
const modes = ['percentile', 'k_best', 'fpr', 'fdr', 'fwe'] as const;
type Mode = (typeof modes)[number];

function univariate(className: string, parameter: string, mode?: Mode): EstimatorConverter {
  return {
    className: `sklearn.feature_selection._univariate_selection.${className}`,
    parameters: ['score_func', parameter, ...(mode === undefined ? ['mode'] : [])],
    input(estimator) {
      estimator.checkFitted('scores_');
      return tableOf(estimator, estimator.vector('scores_').length);
    },
    convert: (call) => ({
      transform: () => selectSupported(call, supports(call.estimator, parameter, mode)),
    }),
  };
}

function supports(estimator: Estimator, parameter: string, known: Mode | undefined): Mask {
  const mode = known ?? estimator.choice('mode', modes);
  switch (mode) {
    case 'k_best':
      return bestSupports(estimator, parameter);
    case 'percentile':
      return percentileSupports(estimator, estimator.number(parameter));
    case 'fpr':
      return pValues(estimator).map((p) => p < estimator.number(parameter));
    case 'fwe': {
      const p = pValues(estimator);
      return p.map((value) => value < estimator.number(parameter) / p.length);
    }
    case 'fdr':
      return discoverySupports(pValues(estimator), estimator.number(parameter));
  }
}

const pValues = (estimator: Estimator) => Array.from(estimator.vector('pvalues_'));

/** NaN counts as the smallest score of all. */
const scoresOf = (estimator: Estimator) =>
  estimator.vector('scores_').map((score) => (Number.isNaN(score) ? -Number.MAX_VALUE : score));

function bestSupports(estimator: Estimator, parameter: string): Mask {
  const scores = scoresOf(estimator);
  const all = estimator.get(parameter) === 'all';
  const k = all ? scores.length : estimator.integer(parameter);
  // Python's `order[-k:]`.
  const best = new Set(k === 0 ? [] : stableArgsort(scores).slice(-k));
  return Array.from(scores, (_, i) => best.has(i));
}

function percentileSupports(estimator: Estimator, percentile: number): Mask {
  const scores = scoresOf(estimator);
  if (percentile === 100 || percentile === 0) return Array.from(scores, () => percentile === 100);
  const threshold = quantile(scores, (100 - percentile) / 100);
  const mask = Array.from(scores, (score) => score > threshold);
  const ties = Array.from(scores.keys()).filter((i) => scores[i] === threshold);
  const room = Math.trunc((scores.length * percentile) / 100) - mask.filter(Boolean).length;
  for (const i of ties.slice(0, room)) mask[i] = true;
  return mask;
}

/** `numpy.percentile` with its linear interpolation. */
function quantile(values: Float64Array, q: number): number {
  const sorted = values.slice().sort();
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const [a, b] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  const t = place - below;
  // NumPy's `_lerp` goes from the nearer end.
  return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

/** Benjamini and Hochberg's procedure. */
function discoverySupports(p: readonly number[], alpha: number): Mask {
  const sorted = [...p].sort((a, b) => a - b);
  const passed = sorted.filter((value, i) => value <= (alpha / p.length) * (i + 1));
  const highest = passed.at(-1);
  return p.map((value) => highest !== undefined && value <= highest);
}

export const univariateConverters: readonly EstimatorConverter[] = [
  univariate('SelectKBest', 'k', 'k_best'),
  univariate('SelectPercentile', 'percentile', 'percentile'),
  univariate('SelectFpr', 'alpha', 'fpr'),
  univariate('SelectFdr', 'alpha', 'fdr'),
  univariate('SelectFwe', 'alpha', 'fwe'),
  univariate('GenericUnivariateSelect', 'param'),
];
