import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { classifier, oneVersusRest, softmax } from '../classification.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { linearClassifierInput, linearScores } from './linear-classifier.js';

/**
 * [batch, n] → decision_function `x · coef_ᵀ + intercept_`; predict_proba is its softmax, or each class against the
 * rest, normalised, where it was trained so.
 */
function logistic(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters,
    input: linearClassifierInput,
    convert(call) {
      const classes = call.estimator.labels('classes_');
      const count = classes.shape[0]!;
      const scores = () => linearScores(call, count);
      return classifier(call, { classes, scores, probabilities: (values) => probabilities(call, values, count) });
    },
  };
}

const shared = [
  ...['penalty', 'dual', 'tol', 'fit_intercept', 'intercept_scaling', 'class_weight', 'random_state', 'solver'],
  ...['max_iter', 'multi_class', 'verbose', 'n_jobs'],
] as const;

export const logisticRegression = logistic('sklearn.linear_model._logistic.LogisticRegression', [
  ...shared,
  ...['C', 'warm_start', 'l1_ratio'],
]);

export const logisticRegressionCV = logistic('sklearn.linear_model._logistic.LogisticRegressionCV', [
  ...shared,
  ...['Cs', 'cv', 'scoring', 'refit', 'l1_ratios', 'use_legacy_attributes'],
]);

function probabilities(call: Call, scores: Value, count: number): Value {
  const binary = count === 2;
  if (isOneVersusRest(call.estimator, binary)) return oneVersusRest(call, scores, count);
  // A multinomial model of two classes has one row of coefficients, taken as those of both with opposite signs.
  if (!binary) return softmax(call, scores);
  const both = call.node('Unsqueeze', [scores, call.graph.int64s([1])]);
  return softmax(call, call.node('Concat', [call.node('Neg', [both]), both], { axis: 1 }));
}

/** What `multi_class` and the solver came to, release by release. */
function isOneVersusRest(estimator: Estimator, binary: boolean): boolean {
  // 0.19 took the logistic function for every model of two classes, and 1.8 does again.
  if (binary && (!estimator.since([0, 20]) || estimator.since([1, 8]))) return true;
  if (estimator.since([1, 8])) return false;
  // The parameter's default was a marker in releases that were about to change it.
  const setting = estimator.choice('multi_class', ['ovr', 'multinomial', 'auto', 'warn', 'deprecated']);
  if (setting === 'ovr' || setting === 'warn') return true;
  if (setting === 'multinomial') return false;
  const solver = estimator.text('solver');
  // Until 1.5 newton-cholesky fitted each class against the rest.
  return binary || solver === 'liblinear' || (solver === 'newton-cholesky' && !estimator.since([1, 6]));
}
