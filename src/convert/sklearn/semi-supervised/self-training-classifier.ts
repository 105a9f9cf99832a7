import type { EstimatorConverter } from '../converter.js';
import { delegate } from '../meta/delegate.js';

const inner = delegate(
  'sklearn.semi_supervised._self_training.SelfTrainingClassifier',
  // As 0.24 and 1.0 to 1.5 named it, and as 1.6 does.
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
