import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';

/** What `base_estimator_` answers: one binary classifier, or several, each class against the rest or against each other. */
export const gaussianProcessClassifier: EstimatorConverter = {
  className: 'sklearn.gaussian_process._gpc.GaussianProcessClassifier',
  parameters: [
    ...['copy_X_train', 'kernel', 'max_iter_predict', 'multi_class', 'n_jobs', 'n_restarts_optimizer', 'optimizer'],
    ...['random_state', 'warm_start'],
  ],
  input(estimator, describe) {
    estimator.checkFitted('base_estimator_');
    return estimator.has('n_features_in_')
      ? tableOf(estimator, estimator.featureCount())
      : describe(estimator.partOf(estimator.part('base_estimator_')));
  },
  convert(call) {
    const { estimator } = call;
    const classes = estimator.labels('classes_');
    const { predict, predict_proba } = call.convert(estimator.part('base_estimator_'), call.input);
    if (predict === undefined) return estimator.refuse('its base_estimator_ does not predict');
    const pairwise = classes.shape[0]! > 2 && estimator.text('multi_class') === 'one_vs_one';
    return { classes, predict, ...(predict_proba === undefined || pairwise ? {} : { predict_proba }) };
  },
};
