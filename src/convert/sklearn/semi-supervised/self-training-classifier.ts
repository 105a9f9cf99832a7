import type { EstimatorConverter } from '../converter.js';
import { delegate } from '../meta/delegate.js';

const inner = delegate(
  'sklearn.semi_supervised._self_training.SelfTrainingClassifier',
  // Since 1.6, and before.
  ['estimator_', 'base_estimator_'],
  ['estimator', 'base_estimator', 'threshold', 'criterion', 'k_best', 'max_iter', 'verbose'],
);

/** Answers as the classifier that was fitted last, on the labels given and those it gave itself. */
export const selfTrainingClassifier: EstimatorConverter = {
  ...inner,
  convert(call) {
    // These it does not pass on.
    const { transform, score_samples, ...methods } = inner.convert(call);
    return methods;
  },
};
