import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { matrixInput } from '../context.js';
import type { Output } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { type Features, matrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';

export const componentsInput = matrixInput('components_');

/** [batch, n] → [batch, components]: `(x - mean) · components_ᵀ`. Pairs are multiplied before the mean is taken off. */
export function projected(call: Call, mean: Float64Array | undefined, subtractFirst = true): Features {
  const { rows, columns, data } = call.estimator.matrix('components_');
  const weights = transposed(data, rows, columns);
  if (mean === undefined) return matrix(call.product(weights, rows), rows, true);
  if (call.input.kind !== 'sparse' && subtractFirst) {
    const centred = call.node('Sub', [call.matrix(columns).value, call.floats(mean)]);
    return matrix(call.node('MatMul', [centred, call.floats(weights, [columns, rows])]), rows, true);
  }
  const shift = new Float64Array(rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) shift[i]! += mean[j]! * data[i * columns + j]!;
  return matrix(call.node('Sub', [call.product(weights, rows), call.floats(shift)]), rows, true);
}

/** `-½ (distance + n ln 2π + ln |Σ|)`, the logarithm of a normal density: [batch]. */
export function logDensity(call: Call, distance: Value, size: number, logDeterminant: number): Output {
  const constant = call.scalar(size * Math.log(2 * Math.PI) + logDeterminant);
  const value = call.node('Mul', [call.scalar(-0.5), call.node('Add', [distance, constant])]);
  return { value, dtype: 'float64', shape: [null] };
}

/** Refuses what would take minutes: the products of all pairs of components, and their elimination. */
export function checkComponents(estimator: Estimator, count: number, size: number): void {
  if (count * count * (count + size) > 2 ** 32) {
    estimator.refuse(`${count} components of ${size} features are too many to multiply with one another here`);
  }
}

/** A number of iterations, which a file could set to have a server compute for ever. */
export function readIterations(estimator: Estimator, name: string): bigint {
  const count = estimator.integer(name);
  if (count < 1 || count > mostIterations) estimator.refuse(`${name} is ${count}; known are 1 to ${mostIterations}`);
  return BigInt(count);
}

const mostIterations = 10_000;
