import { solveLeastSquares } from './least-squares.js';
import type { Matrix } from './matrix.js';

/** `y = x · coefficients + intercept`. */
export interface LinearRegression {
  /** [columns] */
  readonly coefficients: Float64Array;
  readonly intercept: number;
  /** Of the centred columns: fewer than there are when some follow from others. */
  readonly rank: number;
}

/**
 * Ordinary least squares with an intercept, as scikit-learn's `LinearRegression` fits it: X and y are centred, then
 * solved for the smallest coefficients among the best. `x` is [rows, columns] and finite, `y` [rows], rows ≥ 1.
 * Reference: sklearn/linear_model/_base.py, LinearRegression.fit.
 */
export function fitLinearRegression(x: Matrix, y: Float64Array): LinearRegression {
  const { rows, columns } = x;
  const means = columnMeans(x);
  const centred = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) centred[i * columns + j] = x.data[i * columns + j]! - means[j]!;
  }
  const middle = meanOf(y, 1, 0, rows);
  const target = y.map((value) => value - middle);
  const cutoff = Math.max(rows, columns) * Number.EPSILON;
  const { x: coefficients, rank } = solveLeastSquares(centred, rows, columns, target, cutoff);
  let intercept = middle;
  for (let j = 0; j < columns; j++) intercept -= means[j]! * coefficients[j]!;
  return { coefficients, intercept, rank };
}

function columnMeans({ data, rows, columns }: Matrix): Float64Array {
  return Float64Array.from({ length: columns }, (_, j) => meanOf(data, columns, j, rows));
}

/** The mean of every `step`th value from `from` on; exact for values that are all equal, which rounding would blur. */
function meanOf(data: Float64Array, step: number, from: number, count: number): number {
  const first = data[from]!;
  let sum = 0;
  let constant = true;
  for (let i = 0; i < count; i++) {
    const value = data[from + i * step]!;
    sum += value;
    if (value !== first) constant = false;
  }
  return constant ? first : sum / count;
}
