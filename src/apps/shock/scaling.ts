import { allocateBriefly } from '../../index.js';

/** What a fitted scikit-learn `StandardScaler` does: `(x - offset) / scale`, column by column, in double precision. */
export interface Scaler {
  /** Subtracted: `mean_`, or zeros of a scaler made with `with_mean=False`. */
  readonly offset: ArrayLike<number>;
  /** Divided by: `scale_`, or ones of a scaler made with `with_std=False`. */
  readonly scale: ArrayLike<number>;
  /** `mean_`: stands in for a signal that was never seen, where the setting says so. */
  readonly mean: ArrayLike<number>;
}

/**
 * Fits a StandardScaler on `rows` (row-major, `width` columns), as scikit-learn 1.4 does on a C-ordered float64 array:
 * same order of additions, same correction of the variance, same notion of a constant column (scale 1).
 *
 * Source: scikit-learn, `_incremental_mean_and_var` (sklearn/utils/extmath.py), `_is_constant_feature` and
 * `_handle_zeros_in_scale` (sklearn/preprocessing/_data.py).
 */
export function fitScaler(rows: Float64Array, width: number): Scaler {
  const count = rows.length / width;
  const mean = allocateBriefly('float64', width);
  for (let i = 0; i < rows.length; ) for (let column = 0; column < width; column++) mean[column]! += rows[i++]!;
  for (let column = 0; column < width; column++) mean[column]! /= count;

  const correction = allocateBriefly('float64', width);
  const squares = allocateBriefly('float64', width);
  for (let i = 0; i < rows.length; ) {
    for (let column = 0; column < width; column++) {
      const difference = rows[i++]! - mean[column]!;
      correction[column]! += difference;
      squares[column]! += difference * difference;
    }
  }
  const scale = allocateBriefly('float64', width);
  for (let column = 0; column < width; column++) {
    const variance = (squares[column]! - correction[column]! ** 2 / count) / count;
    const noise = count * Number.EPSILON * variance + (count * mean[column]! * Number.EPSILON) ** 2;
    scale[column] = variance <= noise ? 1 : Math.sqrt(variance);
  }
  return { offset: mean, scale, mean };
}
