import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Output } from '../converter.js';
import type { Estimator } from '../estimator.js';

/** [batch, n] → predict [batch] or [batch, targets]: `x · coef_ᵀ + intercept_`, as every linear model of a mean does. */
export function linearRegressor(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters,
    input(estimator) {
      estimator.checkFitted('coef_');
      return tableOf(estimator, estimator.matrix('coef_').columns);
    },
    convert: (call) => ({ predict: () => linearPredict(call) }),
  };
}

export function linearPredict(call: Call): Output {
  const { estimator } = call;
  const { rows: targets, columns: size, data } = estimator.matrix('coef_');
  const product = call.product(transposed(data, targets, size), targets);
  const value = call.node('Add', [product, call.floats(readIntercept(estimator, targets))]);
  const single = estimator.numbers('coef_').shape.length === 1;
  if (!single) return { value, dtype: 'float64', shape: [null, targets] };
  return { value: call.node('Squeeze', [value, call.graph.int64s([1])]), dtype: 'float64', shape: [null] };
}

/** [targets]: `intercept_` is one number for all, or one each. */
export function readIntercept(estimator: Estimator, targets: number): Float64Array {
  const value = estimator.get('intercept_');
  if (typeof value === 'number' || typeof value === 'bigint') return new Float64Array(targets).fill(Number(value));
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
