import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { InputShape } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { readIntercept, transposed } from './linear-regressor.js';

export function linearClassifierInput(estimator: Estimator): InputShape {
  estimator.checkFitted('coef_');
  return tableOf(estimator, estimator.matrix('coef_').columns);
}

/** `x · coef_ᵀ + intercept_`: [batch] for two classes, [batch, classes] for more. */
export function linearScores(call: Call, classes: number): Value {
  const { estimator } = call;
  const rows = classes === 2 ? 1 : classes;
  const { data, columns } = estimator.matrix('coef_', rows);
  const product = call.product(transposed(data, rows, columns), rows);
  const scores = call.node('Add', [product, call.floats(readIntercept(estimator, rows))]);
  return rows === 1 ? call.node('Squeeze', [scores, call.graph.int64s([1])]) : scores;
}
