/** The inverse of a matrix [size, size], by elimination with pivots; `undefined` when it has none. */
export const invert = (matrix: Float64Array, size: number): Float64Array | undefined =>
  eliminate(matrix, size)?.inverse;

/** The inverse, and the logarithm of the determinant's absolute value. */
export function eliminate(
  matrix: Float64Array,
  size: number,
): { inverse: Float64Array; logDeterminant: number } | undefined {
  let logDeterminant = 0;
  const left = matrix.slice();
  const right = new Float64Array(size * size);
  for (let i = 0; i < size; i++) right[i * size + i] = 1;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let i = column + 1; i < size; i++) {
      if (Math.abs(left[i * size + column]!) > Math.abs(left[pivot * size + column]!)) pivot = i;
    }
    const divisor = left[pivot * size + column]!;
    if (divisor === 0 || !Number.isFinite(divisor)) return undefined;
    logDeterminant += Math.log(Math.abs(divisor));
    for (const rows of [left, right]) {
      for (let j = 0; j < size; j++) {
        const upper = rows[column * size + j]!;
        rows[column * size + j] = rows[pivot * size + j]! / divisor;
        if (pivot !== column) rows[pivot * size + j] = upper;
      }
    }
    for (let i = 0; i < size; i++) {
      const factor = left[i * size + column]!;
      if (i === column || factor === 0) continue;
      for (const rows of [left, right]) {
        for (let j = 0; j < size; j++) rows[i * size + j]! -= factor * rows[column * size + j]!;
      }
    }
  }
  return { inverse: right, logDeterminant };
}
