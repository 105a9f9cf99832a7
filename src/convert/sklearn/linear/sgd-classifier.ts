import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { classifier, complement, oneVersusRest } from '../classification.js';
import type { EstimatorConverter } from '../converter.js';
import { linearClassifierInput, linearScores } from './linear-classifier.js';
import { sgdParameters } from './sgd-parameters.js';

/**
 * [batch, n] → decision_function `x · coef_ᵀ + intercept_`; predict_proba where the loss is `log_loss` (each class
 * against the rest, normalised) or `modified_huber` (the score clipped to -1 … 1).
 */
export const sgdClassifier: EstimatorConverter = {
  className: 'sklearn.linear_model._stochastic_gradient.SGDClassifier',
  parameters: [...sgdParameters, 'class_weight', 'n_jobs'],
  input: linearClassifierInput,
  convert(call) {
    const { estimator } = call;
    const classes = estimator.labels('classes_');
    const count = classes.shape[0]!;
    const parts = { classes, scores: () => linearScores(call, count) };
    switch (estimator.text('loss')) {
      case 'log':
      case 'log_loss':
        return classifier(call, { ...parts, probabilities: (scores) => oneVersusRest(call, scores, count) });
      case 'modified_huber':
        return classifier(call, { ...parts, probabilities: (scores) => clippedProbabilities(call, scores, count) });
      default:
        return classifier(call, parts);
    }
  },
};

/** [batch, classes]; rows where no class is possible give all the same. */
function clippedProbabilities(call: Call, scores: Value, count: number): Value {
  const one = call.scalar(1);
  const clipped = call.node('Clip', [scores, call.scalar(-1), one]);
  const p = call.node('Div', [call.node('Add', [clipped, one]), call.scalar(2)]);
  if (count === 2) return complement(call, p);
  const sum = call.reduce('ReduceSum', p, 1, true);
  const none = call.node('Equal', [sum, call.scalar(0)]);
  return call.node('Div', [call.node('Where', [none, one, p]), call.node('Where', [none, call.scalar(count), sum])]);
}
