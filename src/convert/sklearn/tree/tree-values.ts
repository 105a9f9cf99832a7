import type { Estimator } from '../estimator.js';
import type { Labels } from '../labels.js';
import type { NodeTable } from './node-table.js';

/** Classes of a tree or forest: one list a target. */
export interface Targets {
  readonly classes: readonly Labels[];
  /** Fitted with one target: the methods give no list then. */
  readonly single: boolean;
}

/** `classes_` and `n_classes_` of a tree or forest. */
export function readTargets(estimator: Estimator): Targets {
  estimator.checkFitted('classes_');
  const lists = estimator.labelLists('classes_');
  const classes = lists ?? [estimator.labels('classes_')];
  if (estimator.integer('n_outputs_') !== classes.length) estimator.refuse('classes_ and n_outputs_ do not agree');
  return { classes, single: lists === undefined };
}

/** Counts of samples in a node until 1.3, shares since; only counts are divided by their sum. */
const holdsCounts = (estimator: Estimator) => !estimator.since([1, 4]);

/**
 * [nodes, classes of all targets]: `predict_proba` of every node, target after target.
 * @throws estimator-unsupported when the tree has other targets
 */
export function probabilitiesOf(estimator: Estimator, tree: NodeTable, { classes }: Targets): Float64Array {
  const sizes = checkShape(estimator, tree, classes);
  const counts = holdsCounts(estimator);
  const rows = tree.left.length;
  const width = sizes.reduce((sum, size) => sum + size, 0);
  const result = new Float64Array(rows * width);
  for (let row = 0, out = 0; row < rows; row++) {
    for (const [k, size] of sizes.entries()) {
      const from = (row * tree.outputs + k) * tree.classes;
      const sum = counts ? pairwiseSum(tree.value, from, size) || 1 : 1;
      for (let i = 0; i < size; i++) result[out++] = tree.value[from + i]! / sum;
    }
  }
  return result;
}

/** [nodes, targets]: index of the class that `predict` gives, the first of those with the highest value. */
export function labelsOf(estimator: Estimator, tree: NodeTable, { classes }: Targets): Float64Array {
  const sizes = checkShape(estimator, tree, classes);
  const rows = tree.left.length;
  const result = new Float64Array(rows * sizes.length);
  for (let row = 0, out = 0; row < rows; row++) {
    for (const [k, size] of sizes.entries()) {
      const from = (row * tree.outputs + k) * tree.classes;
      let best = 0;
      for (let i = 1; i < size; i++) if (tree.value[from + i]! > tree.value[from + best]!) best = i;
      result[out++] = best;
    }
  }
  return result;
}

function checkShape(estimator: Estimator, tree: NodeTable, classes: readonly Labels[]): number[] {
  const sizes = classes.map(({ shape }) => shape[0]!);
  if (tree.outputs !== sizes.length || tree.classes < Math.max(...sizes)) {
    estimator.refuse('its tree has other classes than classes_');
  }
  return sizes;
}

/** Sum as NumPy computes it: eight at a time, halves of what is longer than 128. */
export function pairwiseSum(data: Float64Array, from: number, count: number): number {
  if (count < 8) {
    let sum = count === 0 ? 0 : data[from]!;
    for (let i = 1; i < count; i++) sum += data[from + i]!;
    return sum;
  }
  if (count > 128) {
    const half = Math.floor(count / 2) - (Math.floor(count / 2) % 8);
    return pairwiseSum(data, from, half) + pairwiseSum(data, from + half, count - half);
  }
  const r = Array.from({ length: 8 }, (_, i) => data[from + i]!) as Eight;
  let i = 8;
  for (; i < count - (count % 8); i += 8) for (let j = 0; j < 8; j++) r[j]! += data[from + i + j]!;
  let sum = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
  for (; i < count; i++) sum += data[from + i]!;
  return sum;
}
type Eight = [number, number, number, number, number, number, number, number];
