import type { PythonValue } from '../../../formats/pickle/index.js';
import { tableOf } from '../context.js';
import type { InputShape } from '../converter.js';
import { type Estimator, toNumbers } from '../estimator.js';
import type { Member } from '../tree/merge-trees.js';

/** The fitted parts of an ensemble. */
export function partsOf(estimator: Estimator): readonly PythonValue[] {
  estimator.checkFitted('estimators_');
  const parts = estimator.list('estimators_');
  return parts.length > 0 ? parts : estimator.refuse('it has no estimators');
}

/** Number of features, which releases before 0.23 kept as `n_features_`. */
export function featuresOf(estimator: Estimator): number | undefined {
  if (estimator.has('n_features_in_')) return estimator.featureCount();
  return estimator.has('n_features_') ? estimator.integer('n_features_') : undefined;
}

/** `estimators_features_`: the columns that each part sees. */
export function columnsOfParts(estimator: Estimator, parts: number, size: number): number[][] {
  const lists = estimator.list('estimators_features_').map((item) => Array.from(toNumbers(item)?.data ?? []));
  const isIndex = (i: number) => Number.isInteger(i) && i >= 0 && i < size;
  if (lists.length !== parts || !lists.every((list) => list.length > 0 && list.every(isIndex))) {
    estimator.refuse(`estimators_features_ should be columns of ${size} for each of ${parts} estimators`);
  }
  return lists;
}

/** What an ensemble takes at the root of a file: its own table, where the file says its size, else what a part takes. */
export function inputOfParts(
  estimator: Estimator,
  describe: (part: Estimator) => InputShape,
  part: PythonValue | undefined,
): InputShape {
  const size = featuresOf(estimator);
  return size === undefined ? describe(estimator.partOf(part)) : tableOf(estimator, size);
}

/** Refuses trees that would say too many numbers: a file may claim more classes than its trees tell apart. */
export function checkSayings(estimator: Estimator, members: readonly Member[], width: number): void {
  const nodes = members.reduce((sum, member) => sum + member.nodes.left.length, 0);
  if (nodes * width > 2 ** 27) estimator.refuse(`${nodes} nodes that tell ${width} classes apart are too much`);
}
