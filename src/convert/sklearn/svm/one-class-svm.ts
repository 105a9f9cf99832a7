import { labelWhere } from '../classification.js';
import type { EstimatorConverter, Output } from '../converter.js';
import { decide, readSupportVectors, svmInput, svmParameters } from './support-vectors.js';

/** [batch, n] → decision_function [batch]; score_samples, that without the offset; predict 1 where it is above zero, else -1. */
export const oneClassSVM: EstimatorConverter = {
  className: 'sklearn.svm._classes.OneClassSVM',
  parameters: svmParameters,
  input: svmInput,
  convert(call) {
    const { estimator } = call;
    const machine = readSupportVectors(estimator);
    const { data, rows } = machine.coefficients;
    if (rows !== 1) estimator.refuse(`_dual_coef_ has ${rows} rows, expected 1`);
    let decision: string | undefined;
    const decide1 = () => {
      decision ??= call.node('Squeeze', [decide(call, machine, data, 1), call.graph.int64s([1])]);
      return decision;
    };
    const one = (value: string): Output => ({ value, dtype: 'float64', shape: [null] });
    return {
      // libsvm wants more than zero, unlike the other outlier detectors.
      predict: () => labelWhere(call, call.node('Greater', [decide1(), call.scalar(0)])),
      // One column a row before 0.20.
      decision_function: () => {
        if (estimator.since([0, 20])) return one(decide1());
        const value = call.node('Unsqueeze', [decide1(), call.graph.int64s([1])]);
        return { value, dtype: 'float64', shape: [null, 1] };
      },
      // 0.20 brought offset_ and this method.
      ...(estimator.has('offset_')
        ? { score_samples: () => one(call.node('Add', [decide1(), call.floats(estimator.vector('offset_', 1))])) }
        : {}),
    };
  },
};
