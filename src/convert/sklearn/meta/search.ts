import type { EstimatorConverter } from '../converter.js';
import { delegate } from './delegate.js';

const common = [
  ...['estimator', 'scoring', 'n_jobs', 'iid', 'refit', 'cv', 'verbose', 'pre_dispatch', 'error_score'],
  ...['return_train_score', 'fit_params', 'random_state'],
];

/** A search answers as the best estimator that it found, fitted again on everything; without `refit` there is none. */
const search = (className: string, parameters: readonly string[]): EstimatorConverter => {
  const inner = delegate(className, ['best_estimator_'], [...common, ...parameters]);
  return {
    ...inner,
    convert(call) {
      const { score_samples, kneighbors, ...methods } = inner.convert(call);
      // `score_samples` is passed on since 0.24.
      return score_samples === undefined || !call.estimator.since([0, 24]) ? methods : { ...methods, score_samples };
    },
  };
};

const halving = [...['factor', 'resource', 'max_resources', 'min_resources', 'aggressive_elimination', 'n_candidates']];

export const searchConverters: readonly EstimatorConverter[] = [
  search('sklearn.model_selection._search.GridSearchCV', ['param_grid']),
  search('sklearn.model_selection._search.RandomizedSearchCV', ['param_distributions', 'n_iter']),
  search('sklearn.model_selection._search_successive_halving.HalvingGridSearchCV', [...halving, 'param_grid']),
  search('sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV', [
    ...halving,
    'param_distributions',
  ]),
];
