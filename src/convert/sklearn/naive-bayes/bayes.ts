import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, classifier, logNormalised } from '../classification.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';

/** Parameters of the classifiers that count. */
export const countingParameters = ['alpha', 'class_prior', 'fit_prior', 'force_alpha'];

/** Takes as many features as `feature_log_prob_` has columns. */
export const countingInput = matrixInput('feature_log_prob_');

/**
 * A naive Bayes classifier, given its joint log-likelihoods, [batch, classes]: predict takes the highest, predict_proba
 * is the exponential of predict_log_proba.
 */
export function bayesClassifier(
  name: string,
  parameters: readonly string[],
  input: EstimatorConverter['input'] & object,
  likelihoods: (call: Call, classes: number) => Value,
): EstimatorConverter {
  return {
    className: `sklearn.naive_bayes.${name}`,
    parameters,
    input,
    convert(call): Methods {
      const classes = call.estimator.labels('classes_');
      let joint: Value | undefined;
      const jointOnce = () => {
        joint ??= likelihoods(call, classes.shape[0]!);
        return joint;
      };
      let logarithms: Value | undefined;
      const logarithmsOnce = () => {
        logarithms ??= logNormalised(call, jointOnce());
        return logarithms;
      };
      return classifier(call, {
        classes,
        index: () => argMax(call, jointOnce()),
        probabilities: () => call.node('Exp', [logarithmsOnce()]),
        logProbabilities: logarithmsOnce,
      });
    },
  };
}
