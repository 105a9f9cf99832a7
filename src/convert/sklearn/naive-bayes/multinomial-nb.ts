import { transposed } from '../linear/linear-regressor.js';
import { bayesClassifier, countingInput, countingParameters } from './bayes.js';

/** [batch, n] → `x · feature_log_prob_ᵀ + class_log_prior_` a class. */
export const multinomialNB = bayesClassifier('MultinomialNB', countingParameters, countingInput, (call, classes) => {
  const { data, columns } = call.estimator.matrix('feature_log_prob_', classes);
  const product = call.product(transposed(data, classes, columns), classes);
  return call.node('Add', [product, call.floats(call.estimator.vector('class_log_prior_', classes))]);
});

/** [batch, n] → `x · feature_log_prob_ᵀ` a class; the prior counts only where there is one class. */
export const complementNB = bayesClassifier(
  'ComplementNB',
  [...countingParameters, 'norm'],
  countingInput,
  (call, classes) => {
    const { data, columns } = call.estimator.matrix('feature_log_prob_', classes);
    const product = call.product(transposed(data, classes, columns), classes);
    if (classes > 1) return product;
    return call.node('Add', [product, call.floats(call.estimator.vector('class_log_prior_', classes))]);
  },
);
