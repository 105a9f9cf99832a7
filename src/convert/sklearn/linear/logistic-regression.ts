import type { Call } from '../call.js';
import { binaryProbabilities, classifier, logistic, normalised, softmax } from '../classification.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { linearClassifierInput, linearScores } from './linear-classifier.js';

/**
 * [batch, n] → decision_function `x · coef_ᵀ + intercept_`; predict_proba is its softmax, or each class against the
 * rest, normalised, where it was trained so.
 */
export const logisticRegression: EstimatorConverter = {
  className: 'sklearn.linear_model._logistic.LogisticRegression',
  parameters: [
    ...['penalty', 'dual', 'tol', 'C', 'fit_intercept', 'intercept_scaling', 'class_weight', 'random_state', 'solver'],
    ...['max_iter', 'multi_class', 'verbose', 'warm_start', 'n_jobs', 'l1_ratio'],
  ],
  input: linearClassifierInput,
  convert(call) {
    const { estimator } = call;
    const classes = estimator.labels('classes_');
    const scores = () => linearScores(call, classes.shape[0]!);
    return classifier(call, { classes, scores, probabilities: (s) => probabilities(call, s, classes.shape[0]!) });
  },
};

function probabilities(call: Call, scores: string, count: number): string {
  const binary = count === 2;
  if (isOneVersusRest(call.estimator, binary)) {
    return binary ? binaryProbabilities(call, scores) : normalised(call, logistic(call, scores));
  }
  // A multinomial model of two classes has one row of coefficients, taken as those of both with opposite signs.
  if (!binary) return softmax(call, scores);
  const both = call.node('Unsqueeze', [scores, call.graph.int64s([1])]);
  return softmax(call, call.node('Concat', [call.node('Neg', [both]), both], { axis: 1 }));
}

/** What `multi_class` and the solver came to; since 1.8 there is no such parameter, and liblinear takes two classes. */
function isOneVersusRest(estimator: Estimator, binary: boolean): boolean {
  const solver = estimator.text('solver', 'liblinear');
  const setting = estimator.has('multi_class') ? estimator.text('multi_class') : 'auto';
  if (setting === 'ovr' || setting === 'warn') return true;
  if (setting === 'auto' || setting === 'deprecated') return binary || solver === 'liblinear';
  return false;
}
