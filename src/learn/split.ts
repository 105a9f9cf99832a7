/** Which rows are learned from, and which are kept to see how well: as scikit-learn's model_selection chooses them. */
import { VitrinaError } from '../errors.js';
import { MersenneTwister } from './mersenne-twister.js';

export interface Split {
  /** Places of rows, in the order in which scikit-learn gives them. */
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/**
 * `train_test_split(…, test_size=share, random_state=seed)`: the first of a permutation are the test.
 * Reference: sklearn/model_selection/_split.py, ShuffleSplit.
 *
 * @param share between 0 and 1, both excluded
 * @throws VitrinaError `training-data-invalid` when no row is left to learn from
 */
export function trainTestSplit(rows: number, share: number, seed: number): Split {
  const held = Math.ceil(share * rows);
  if (held >= rows) {
    const problem = `of its ${rows} rows ${held} are held out, which leaves none to learn from; lower --test-size`;
    throw new VitrinaError('training-data-invalid', { problem });
  }
  const order = new MersenneTwister(seed).permutation(rows);
  return { test: order.slice(0, held), train: order.slice(held) };
}

/**
 * The folds of `StratifiedKFold(count)`, without a shuffle: each has its share of every class.
 * Reference: sklearn/model_selection/_split.py, StratifiedKFold._make_test_folds.
 *
 * @param codes the class of each row
 * @throws VitrinaError `training-data-invalid` when no class has a row for each fold
 */
export function stratifiedFolds(codes: Int32Array, count: number): Split[] {
  const ordinals = inOrderOfAppearance(codes);
  const classes = ordinals.reduce((most, ordinal) => Math.max(most, ordinal + 1), 0);
  const sizes = new Int32Array(classes);
  for (const ordinal of ordinals) sizes[ordinal]!++;
  if (sizes.every((size) => size < count)) {
    const problem = `no class has ${count} rows, one for each fold; lower --cross-validate`;
    throw new VitrinaError('training-data-invalid', { problem });
  }
  // The sorted classes are dealt out to the folds, which says how many rows of each a fold gets.
  const shares = Array.from({ length: classes }, () => new Int32Array(count));
  const sorted = Int32Array.from(ordinals).sort();
  for (const [place, ordinal] of sorted.entries()) shares[ordinal]![place % count]!++;
  const foldOf = new Int32Array(codes.length);
  const fold = new Int32Array(classes);
  for (const [row, ordinal] of ordinals.entries()) {
    const left = shares[ordinal]!;
    while (left[fold[ordinal]!] === 0) fold[ordinal]!++;
    left[fold[ordinal]!]!--;
    foldOf[row] = fold[ordinal]!;
  }
  const rows = Int32Array.from(codes.keys());
  return Array.from({ length: count }, (_, own) => ({
    train: rows.filter((row) => foldOf[row] !== own),
    test: rows.filter((row) => foldOf[row] === own),
  }));
}

/** Classes by number, the first to come being 0. */
function inOrderOfAppearance(codes: Int32Array): Int32Array {
  const met = new Map<number, number>();
  return codes.map((code) => {
    const ordinal = met.get(code) ?? met.size;
    met.set(code, ordinal);
    return ordinal;
  });
}
