/** Selectors that an estimator inside of them led to: what they keep is in the file. */
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { selectSupported } from './support.js';

/** The mask `support_` that `fit` left. */
function readSupport(estimator: Estimator): boolean[] {
  const support = estimator.list('support_');
  if (support.some((item) => typeof item !== 'boolean')) estimator.refuse('support_ should be a mask of booleans');
  return support as boolean[];
}

const since: Readonly<Record<string, readonly [number, number]>> = {
  HistGradientBoostingClassifier: [0, 24],
  HistGradientBoostingRegressor: [0, 24],
  DecisionTreeClassifier: [1, 3],
  DecisionTreeRegressor: [1, 3],
  RandomForestClassifier: [1, 4],
  RandomForestRegressor: [1, 4],
  ExtraTreesClassifier: [1, 6],
  ExtraTreesRegressor: [1, 6],
};

/** Whether the selector lets NaN pass, which it does where its estimator takes it. */
export function takesMissing(estimator: Estimator): boolean {
  const release = since[estimator.partOf(estimator.part('estimator')).name];
  return release !== undefined && estimator.since(release);
}

function selector(
  className: string,
  parameters: readonly string[],
  methods: (call: Call, mask: readonly boolean[]) => Methods,
): EstimatorConverter {
  return {
    className,
    parameters,
    input(estimator) {
      estimator.checkFitted('support_');
      return tableOf(estimator, readSupport(estimator).length);
    },
    convert: (call) => methods(call, readSupport(call.estimator)),
  };
}

/** The methods of `estimator_` on the features that are left, and those features. */
function elimination(call: Call, mask: readonly boolean[]): Methods {
  const features = () => selectSupported(call, mask, takesMissing(call.estimator));
  return { ...call.convert(call.estimator.get('estimator_'), features()), transform: features };
}

const common = ['estimator', 'step', 'verbose', 'importance_getter'];

export const wrappedConverters: readonly EstimatorConverter[] = [
  selector('sklearn.feature_selection._rfe.RFE', [...common, 'n_features_to_select'], elimination),
  // `grid_scores_` was an attribute until 1.1.
  selector(
    'sklearn.feature_selection._rfe.RFECV',
    [...common, 'min_features_to_select', 'cv', 'scoring', 'n_jobs'],
    elimination,
  ),
  selector(
    'sklearn.feature_selection._sequential.SequentialFeatureSelector',
    ['estimator', 'n_features_to_select', 'tol', 'direction', 'scoring', 'cv', 'n_jobs'],
    (call, mask) => ({ transform: () => selectSupported(call, mask, takesMissing(call.estimator)) }),
  ),
];
