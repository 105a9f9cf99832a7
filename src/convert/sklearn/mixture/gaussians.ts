import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { transposed } from '../linear/linear-regressor.js';

/**
 * [batch, components]: the logarithm of each component's density, from `means_` and `precisions_cholesky_`.
 * Formulas as in `_estimate_log_gaussian_prob` of sklearn.mixture.
 */
export function logDensities(call: Call): Value {
  const { estimator, graph } = call;
  const kind = estimator.choice('covariance_type', ['full', 'tied', 'diag', 'spherical']);
  const { rows: count, columns: size } = estimator.matrix('means_');
  const { data: roots } = estimator.numbers('precisions_cholesky_');
  const expected = { full: count * size * size, tied: size * size, diag: count * size, spherical: count }[kind];
  if (roots.length !== expected) estimator.refuse(`precisions_cholesky_ has ${roots.length} values, not ${expected}`);

  const logDeterminants = Float64Array.from({ length: count }, (_, k) => {
    if (kind === 'spherical') return size * Math.log(roots[k]!);
    let sum = 0;
    const first = kind === 'tied' ? 0 : kind === 'diag' ? k * size : k * size * size;
    const step = kind === 'diag' ? 1 : size + 1;
    for (let i = 0; i < size; i++) sum += Math.log(roots[first + i * step]!);
    return sum;
  });
  const squares = kind === 'full' || kind === 'tied' ? wholeSquares(call, kind) : axisSquares(call, kind === 'diag');
  const constant = size * Math.log(2 * Math.PI);
  const half = call.node('Mul', [call.scalar(-0.5), call.node('Add', [squares, call.scalar(constant)])]);
  return graph.node('Add', [half, call.floats(logDeterminants)]);
}

/** Σ(x·P - m·P)² of each component; `tied` has one P for all. */
function wholeSquares(call: Call, kind: 'full' | 'tied'): Value {
  const { estimator, graph } = call;
  const { data: means, rows: count, columns: size } = estimator.matrix('means_');
  const { data: roots } = estimator.numbers('precisions_cholesky_');
  const parts = kind === 'full' ? count : 1;
  // [size, parts · size]: the roots side by side, so that one product does for all.
  const wide = new Float64Array(parts * size * size);
  for (let k = 0; k < parts; k++) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) wide[(i * parts + k) * size + j] = roots[(k * size + i) * size + j]!;
    }
  }
  const shifts = new Float64Array(count * size);
  for (let k = 0; k < count; k++) {
    const part = kind === 'full' ? k : 0;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        shifts[k * size + j]! += means[k * size + i]! * roots[(part * size + i) * size + j]!;
      }
    }
  }
  const product = call.node('MatMul', [call.matrix(size).value, call.floats(wide, [size, parts * size])]);
  const cube = call.node('Reshape', [product, graph.int64s([0, parts, size])]);
  const difference = call.node('Sub', [cube, call.floats(shifts, [1, count, size])]);
  return call.reduce('ReduceSum', call.node('Mul', [difference, difference]), 2);
}

/** Σ p (x - m)², multiplied out; without `each` a component has one p for all features. */
function axisSquares(call: Call, each: boolean): Value {
  const { estimator } = call;
  const { data: means, rows: count, columns: size } = estimator.matrix('means_');
  const { data: roots } = estimator.numbers('precisions_cholesky_');
  const precision = (i: number) => roots[each ? i : Math.floor(i / size)]! ** 2;
  const precisions = means.map((_, i) => precision(i));
  const crossed = means.map((mean, i) => -2 * mean * precision(i));
  const own = new Float64Array(count);
  for (let i = 0; i < means.length; i++) own[Math.floor(i / size)]! += means[i]! ** 2 * precision(i);
  const { value } = call.matrix(size);
  const across = (data: Float64Array) => call.floats(transposed(data, count, size), [size, count]);
  const linear = call.node('Add', [call.floats(own), call.node('MatMul', [value, across(crossed)])]);
  return call.node('Add', [linear, call.node('MatMul', [call.node('Mul', [value, value]), across(precisions)])]);
}
