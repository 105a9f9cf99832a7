import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { inlierOutput } from './inlier.js';

/**
 * [batch, n] → score_samples [batch]: the negative Mahalanobis distance, squared; decision_function: above `offset_`;
 * predict: 1 for inliers, -1 for outliers.
 */
export const ellipticEnvelope: EstimatorConverter = {
  className: 'sklearn.covariance._elliptic_envelope.EllipticEnvelope',
  parameters: ['store_precision', 'assume_centered', 'support_fraction', 'contamination', 'random_state'],
  input(estimator) {
    estimator.checkFitted('location_');
    return tableOf(estimator, estimator.vector('location_').length);
  },
  convert(call) {
    const { estimator } = call;
    const location = estimator.vector('location_');
    const size = location.length;
    if (!estimator.has('precision_')) estimator.refuse('store_precision is False, so it has no precision_ to use');
    const { data } = estimator.matrix('precision_', size, size);
    let scores: Value | undefined;
    const scoresOnce = () => {
      scores ??= (() => {
        const centred = call.node('Sub', [call.matrix(size).value, call.floats(location)]);
        const product = call.node('MatMul', [centred, call.floats(data, [size, size])]);
        return call.node('Neg', [call.reduce('ReduceSum', call.node('Mul', [product, centred]))]);
      })();
      return scores;
    };
    if (!estimator.since([0, 20])) return cubicMethods(call, () => call.node('Neg', [scoresOnce()]));
    const decision = () => call.node('Sub', [scoresOnce(), call.scalar(estimator.number('offset_'))]);
    return {
      score_samples: () => ({ value: scoresOnce(), dtype: 'float64', shape: [null] }),
      decision_function: () => ({ value: decision(), dtype: 'float64', shape: [null] }),
      predict: () => inlierOutput(call, decision()),
    };
  },
};

/** Before 0.20 the decision was a difference of cubic roots, nearly, and there were no scores. */
function cubicMethods(call: Call, distance: () => Value): Methods {
  const { estimator } = call;
  const threshold = estimator.number('threshold_');
  return {
    decision_function() {
      const root = call.node('Pow', [distance(), call.scalar(0.33)]);
      return { value: call.node('Sub', [call.scalar(threshold ** 0.33), root]), dtype: 'float64', shape: [null] };
    },
    predict() {
      if (!estimator.has('contamination')) estimator.refuse('it has no contamination, which predict needs');
      return inlierOutput(call, call.node('Sub', [call.scalar(threshold), distance()]));
    },
  };
}
