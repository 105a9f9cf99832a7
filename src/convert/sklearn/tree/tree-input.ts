import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { Estimator } from '../estimator.js';

/**
 * The input as trees see it: cast to float32, as scikit-learn does before it compares with thresholds in float64.
 * `missing`: whether NaN is taken; infinities never are.
 */
export function treeInput(call: Call, size: number, missing: boolean): Value {
  const { input } = call;
  if (input.kind === 'sparse') {
    // Rounded as pairs: a row of a vocabulary is long enough once.
    return call.within({ ...input, values: asFloat32(call, input.values) }).matrix(size, { missing }).value;
  }
  return asFloat32(call, call.matrix(size, { float32: true, missing }).value);
}

/** Rounded to float32, held as float64. */
export function asFloat32(call: Call, value: Value): Value {
  return call.context.once(`${value}:float32`, () =>
    call.node('Cast', [call.node('Cast', [value], { to: 1 })], { to: 11 }),
  );
}

/**
 * Whether a tree takes NaN: `allow_nan` of the estimator's tags, which 1.3 brought to the best splitter, 1.6 to random
 * ones, and 1.9 to every criterion.
 */
export function takesMissing(tree: Estimator): boolean {
  if (!tree.since([1, 3])) return false;
  const splitter = tree.text('splitter', 'best');
  const random = tree.name.startsWith('Extra');
  if (tree.since([1, 9])) return !random || splitter === 'random';
  if (tree.has('monotonic_cst')) return false;
  const criteria = tree.name.endsWith('Classifier') ? classification : regression;
  if (!criteria.includes(tree.text('criterion'))) return false;
  if (!tree.since([1, 6])) return splitter === 'best';
  return random ? splitter === 'random' : true;
}

const classification = ['gini', 'log_loss', 'entropy'];
const regression = ['squared_error', 'friedman_mse', 'poisson'];
