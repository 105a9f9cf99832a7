import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { classifier } from '../classification.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { readIntercept, transposed } from './linear-regressor.js';

/** [batch, n] → predict and decision_function `x · coef_ᵀ + intercept_`, for models that give no probabilities. */
export function linearClassifier(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters,
    input: linearClassifierInput,
    convert(call) {
      const classes = call.estimator.labels('classes_');
      return classifier(call, { classes, scores: () => linearScores(call, classes.shape[0]!) });
    },
  };
}

export const linearClassifierInput = matrixInput('coef_');

/** `x · coef_ᵀ + intercept_`: [batch] for two classes, [batch, classes] for more. */
export function linearScores(call: Call, classes: number): Value {
  const rows = classes === 2 ? 1 : classes;
  const scores = linearRows(call, rows);
  return rows === 1 ? call.node('Squeeze', [scores, call.graph.int64s([1])]) : scores;
}

/** `x · coef_ᵀ + intercept_`, [batch, rows], `coef_` having as many rows. */
export function linearRows(call: Call, rows: number): Value {
  const { estimator } = call;
  const { data, columns } = estimator.matrix('coef_', rows);
  const product = call.product(transposed(data, rows, columns), rows);
  return call.node('Add', [product, call.floats(readIntercept(estimator, rows))]);
}
