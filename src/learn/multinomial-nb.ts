import type { SparseMatrix } from './sparse-matrix.js';

/** Multinomial naive Bayes: how likely each term is in the texts of each class. */
export interface MultinomialNB {
  /** The classes of the rows it was fitted on, ascending; all that follows is in their order. */
  readonly classes: Int32Array;
  /** [classes] */
  readonly logPriors: Float64Array;
  /** [classes, columns], row-major. */
  readonly logProbabilities: Float64Array;
}

/** Added to every count, so that a term which is new to a class is not impossible in it: scikit-learn's default. */
const alpha = 1;

/**
 * What `MultinomialNB().fit(x[rows], codes[rows])` learns.
 * Reference: sklearn/naive_bayes.py.
 *
 * @param codes the class of each row of `x`
 * @param rows at least one
 */
export function fitMultinomialNB(x: SparseMatrix, codes: Int32Array, rows: Int32Array): MultinomialNB {
  const { columns } = x;
  const classes = Int32Array.from(new Set(rows.map((row) => codes[row]!))).sort();
  const places = new Map(Array.from(classes, (code, place) => [code, place]));
  const sizes = new Float64Array(classes.length);
  const counts = new Float64Array(classes.length * columns).fill(alpha);
  for (const row of rows) {
    const place = places.get(codes[row]!)!;
    sizes[place]!++;
    for (let i = x.starts[row]!; i < x.starts[row + 1]!; i++) counts[place * columns + x.indices[i]!]! += x.values[i]!;
  }
  const logProbabilities = new Float64Array(counts.length);
  for (let place = 0; place < classes.length; place++) {
    const own = counts.subarray(place * columns, (place + 1) * columns);
    const total = Math.log(own.reduce((sum, count) => sum + count, 0));
    for (let column = 0; column < columns; column++) {
      logProbabilities[place * columns + column] = Math.log(own[column]!) - total;
    }
  }
  const all = Math.log(rows.length);
  return { classes, logPriors: sizes.map((size) => Math.log(size) - all), logProbabilities };
}

/** The likeliest class of each of `rows`, the first of several. */
export function predictMultinomialNB(model: MultinomialNB, x: SparseMatrix, rows: Int32Array): Int32Array {
  const { classes, logPriors, logProbabilities } = model;
  const { columns, starts, indices, values } = x;
  return rows.map((row) => {
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (let place = 0; place < classes.length; place++) {
      let likelihood = 0;
      for (let i = starts[row]!; i < starts[row + 1]!; i++) {
        likelihood += values[i]! * logProbabilities[place * columns + indices[i]!]!;
      }
      likelihood += logPriors[place]!;
      if (likelihood > highest) [best, highest] = [place, likelihood];
    }
    return classes[best]!;
  });
}
