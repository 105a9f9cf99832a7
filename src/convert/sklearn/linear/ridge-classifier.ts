import type { Call } from '../call.js';
import { classifier } from '../classification.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { toLabels } from '../estimator.js';
import { linearClassifierInput, linearRows, linearScores } from './linear-classifier.js';

/**
 * [batch, n] → predict and decision_function `x · coef_ᵀ + intercept_`; for several labels a row, predict is 1 for
 * each label whose score is above zero, [batch, labels].
 */
function ridge(className: string, parameters: readonly string[]): EstimatorConverter {
  return { className, parameters, input: linearClassifierInput, convert };
}

export const ridgeClassifier = ridge('sklearn.linear_model._ridge.RidgeClassifier', [
  ...['alpha', 'class_weight', 'copy_X', 'fit_intercept', 'max_iter', 'normalize', 'random_state', 'solver', 'tol'],
  'positive',
]);

export const ridgeClassifierCV = ridge('sklearn.linear_model._ridge.RidgeClassifierCV', [
  ...['alphas', 'class_weight', 'cv', 'fit_intercept', 'gcv_mode', 'normalize', 'scoring', 'store_cv_values'],
  ...['alpha_per_target', 'store_cv_results'],
]);

function convert(call: Call): Methods {
  const { estimator } = call;
  const binarizer = estimator.partOf(estimator.part('_label_binarizer'));
  const classes = toLabels(binarizer.get('classes_')) ?? estimator.refuse('its classes should be labels of one type');
  // Until 0.24 several labels were scored and then taken for classes of which one is the highest.
  const several = binarizer.text('y_type_').startsWith('multilabel') && estimator.since([1, 0]);
  if (!several) return classifier(call, { classes, scores: () => linearScores(call, classes.shape[0]!) });
  if (binarizer.get('sparse_input_') === true) estimator.refuse('it predicts a sparse matrix of labels');
  const labels = classes.shape[0]!;
  if (labels === 1) estimator.refuse('it was trained on a matrix of one label');
  const scores = linearRows(call, labels);
  return {
    decision_function: () => ({ value: scores, dtype: 'float64', shape: [null, labels] }),
    predict: () => ({
      value: call.node('Cast', [call.node('Greater', [scores, call.scalar(0)])], { to: 7 }),
      dtype: 'int64',
      shape: [null, labels],
    }),
  };
}
