import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, InputShape, Output } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { regression } from '../regression.js';

/** [batch, n] → predict [batch] or [batch, targets]: `x · coef_ᵀ + intercept_`, as every linear model of a mean does. */
export function linearRegressor(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters,
    input: linearRegressorInput,
    convert: (call) => ({ predict: () => linearPredict(call) }),
  };
}

export function linearRegressorInput(estimator: Estimator): InputShape {
  estimator.checkFitted('coef_');
  return tableOf(estimator, readCoefficients(estimator).size);
}

export function linearPredict(call: Call, link: (call: Call, value: Value) => Value = (_, value) => value): Output {
  const { estimator } = call;
  const { data, targets, size, single } = readCoefficients(estimator);
  const product = call.product(transposed(data, targets, size), targets);
  const value = link(call, call.node('Add', [product, call.floats(readIntercept(estimator, targets))]));
  return regression(call, value, targets, single);
}

/** `coef_` as [targets, size]; `single` when predictions are a vector. */
function readCoefficients(estimator: Estimator): {
  data: Float64Array;
  targets: number;
  size: number;
  single: boolean;
} {
  const { data, shape } = estimator.scalarOrNumbers('coef_');
  // Lasso and its kin squeezed the coefficient of a single feature to a bare number, and predict a column then.
  if (shape.length === 0) return { data, targets: 1, size: 1, single: false };
  const { rows, columns } = estimator.matrix('coef_');
  return { data, targets: rows, size: columns, single: shape.length === 1 };
}

/** [targets]: `intercept_` is one number for all, or one each. */
export function readIntercept(estimator: Estimator, targets: number): Float64Array {
  const { data } = estimator.scalarOrNumbers('intercept_');
  if (data.length === 1) return new Float64Array(targets).fill(data[0]!);
  if (data.length !== targets) estimator.refuse(`intercept_ has ${data.length} values for ${targets} targets`);
  return data;
}

/** [rows, columns] → [columns, rows], row-major. */
export function transposed(data: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j]!;
  return result;
}
