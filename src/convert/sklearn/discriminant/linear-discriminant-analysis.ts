import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { binaryProbabilities, classifier, oneVersusRest, softmax } from '../classification.js';
import type { EstimatorConverter } from '../converter.js';
import { type Features, matrix } from '../features.js';
import { linearClassifierInput, linearScores } from '../linear/linear-classifier.js';

/** The smallest normal float64. */
const tiny = 2.2250738585072014e-308;

/**
 * [batch, n] → decision_function `x · coef_ᵀ + intercept_`; predict_proba is its softmax; transform [batch, components]
 * projects on `scalings_`, unless the solver is lsqr.
 */
export const linearDiscriminantAnalysis: EstimatorConverter = {
  className: 'sklearn.discriminant_analysis.LinearDiscriminantAnalysis',
  parameters: ['n_components', 'priors', 'shrinkage', 'solver', 'store_covariance', 'tol', 'covariance_estimator'],
  input: linearClassifierInput,
  convert(call) {
    const { estimator } = call;
    const classes = estimator.labels('classes_');
    const count = classes.shape[0]!;
    let probabilities: Value | undefined;
    const probabilitiesOnce = (scores: Value) => {
      probabilities ??= toProbabilities(call, scores, count);
      return probabilities;
    };
    const scores = () => linearScores(call, count);
    const methods = classifier(call, {
      classes,
      scores,
      probabilities: probabilitiesOnce,
      // Since 0.24 a probability of zero has a logarithm.
      ...(estimator.since([0, 24]) ? { logProbabilities: () => logarithm(call, probabilitiesOnce(scores())) } : {}),
    });
    if (estimator.choice('solver', ['svd', 'lsqr', 'eigen']) === 'lsqr') return methods;
    return { ...methods, transform: () => project(call) };
  },
};

function toProbabilities(call: Call, scores: Value, count: number): Value {
  // Until 0.21 each class was taken against the rest.
  if (!call.estimator.since([0, 21])) return oneVersusRest(call, scores, count);
  return count === 2 ? binaryProbabilities(call, scores) : softmax(call, scores);
}

function logarithm(call: Call, p: Value): Value {
  const zero = call.node('Equal', [p, call.scalar(0)]);
  return call.node('Log', [call.node('Where', [zero, call.scalar(tiny), p])]);
}

function project(call: Call): Features {
  const { estimator } = call;
  const { data, rows, columns } = estimator.matrix('scalings_');
  const components = Math.min(estimator.integer('_max_components'), columns);
  if (components < 1) estimator.refuse(`_max_components is ${components}`);
  const weights = new Float64Array(rows * components);
  for (let i = 0; i < rows; i++) weights.set(data.subarray(i * columns, i * columns + components), i * components);
  const { value } = call.matrix(rows);
  const centred =
    estimator.text('solver') === 'svd'
      ? call.node('Sub', [value, call.floats(estimator.vector('xbar_', rows))])
      : value;
  return matrix(call.node('Gemm', [centred, call.floats(weights, [rows, components])]), components, true);
}
