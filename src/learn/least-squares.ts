/** The minimum-norm solution of a linear least squares problem, in double precision. */

export interface LeastSquares {
  /** [columns]: of all that minimise ‖A x − b‖, the one with the smallest norm. */
  readonly x: Float64Array;
  /** Singular values above the threshold. */
  readonly rank: number;
}

/**
 * Solves min ‖A x − b‖ for `a` [rows, columns], row-major, and `b` [rows]. Singular values of at most `cutoff` times the
 * largest count as zero: what LAPACK's `gelsd` does, which `scipy.linalg.lstsq` and so scikit-learn call.
 *
 * A, or its transpose when it is wide, is reduced to a triangle by Householder reflections with column pivoting; the
 * triangle's singular value decomposition comes from one-sided Jacobi rotations, which keep small singular values
 * accurate where columns differ by orders of magnitude.
 * Sources: Golub and Van Loan, Matrix Computations, 5.4.2 and 8.6.3; Drmač and Veselić, New Fast and Accurate Jacobi SVD
 * Algorithm, 2008.
 */
export function solveLeastSquares(
  a: Float64Array,
  rows: number,
  columns: number,
  b: Float64Array,
  cutoff: number,
): LeastSquares {
  const tall = rows >= columns;
  const [long, short] = tall ? [rows, columns] : [columns, rows];
  // Column by column, since everything below works on columns. A power of two changes no digit and prevents overflow.
  const scale = powerOfTwo(a);
  const factor: Float64Array[] = [];
  for (let j = 0; j < short; j++) {
    const column = new Float64Array(long);
    for (let i = 0; i < long; i++) column[i] = (tall ? a[i * columns + j]! : a[j * columns + i]!) / scale;
    factor.push(column);
  }
  const { order, reflections } = triangulate(factor, long);

  // Tall: A P = Q R, the vectors are the columns of Rᵀ. Wide: Aᵀ P = Q R, they are those of R.
  const vectors = Array.from({ length: short }, (_, j) =>
    Float64Array.from({ length: short }, (_, i) => (tall ? entry(factor, j, i) : entry(factor, i, j))),
  );
  let right: Float64Array;
  if (tall) {
    right = b.slice();
    for (const reflect of reflections) reflect(right);
  } else {
    right = Float64Array.from(order, (row) => b[row]!);
  }
  const projected = right.slice(0, short);
  orthogonalise(vectors, projected);

  const squares = vectors.map((vector) => dot(vector, vector));
  const largest = Math.sqrt(Math.max(0, ...squares));
  const solution = new Float64Array(long);
  let rank = 0;
  for (const [j, vector] of vectors.entries()) {
    const singular = Math.sqrt(squares[j]!);
    if (!(singular > cutoff * largest)) continue;
    rank++;
    const weight = projected[j]! / squares[j]!;
    for (let i = 0; i < short; i++) solution[i]! += weight * vector[i]!;
  }
  const x = new Float64Array(columns);
  if (tall) {
    for (let i = 0; i < short; i++) x[order[i]!] = solution[i]! / scale;
  } else {
    for (const reflect of reflections.toReversed()) reflect(solution);
    for (let i = 0; i < columns; i++) x[i] = solution[i]! / scale;
  }
  return { x, rank };
}

/** The power of two next to the largest magnitude; 1 for zeros. */
function powerOfTwo(values: Float64Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest === 0 ? 1 : 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest))));
}

/** Entry (row, column) of the triangle R that `triangulate` leaves. */
function entry(factor: readonly Float64Array[], row: number, column: number): number {
  return row > column ? 0 : factor[column]![row]!;
}

/**
 * Householder QR with column pivoting, in place: afterwards `factor[j][0..j]` is column j of R. `order[j]` is the column
 * that came to place j; each of `reflections` applies one factor of Qᵀ to a vector, which is its own inverse.
 */
function triangulate(
  factor: Float64Array[],
  rows: number,
): { order: number[]; reflections: ((vector: Float64Array) => void)[] } {
  const order = factor.map((_, j) => j);
  const reflections: ((vector: Float64Array) => void)[] = [];
  for (let k = 0; k < factor.length; k++) {
    let best = k;
    let bestNorm = -1;
    for (let j = k; j < factor.length; j++) {
      const norm = tailNorm(factor[j]!, k);
      if (norm > bestNorm) [best, bestNorm] = [j, norm];
    }
    [factor[k], factor[best]] = [factor[best]!, factor[k]!];
    [order[k], order[best]] = [order[best]!, order[k]!];
    if (bestNorm === 0) break;
    const column = factor[k]!;
    const alpha = column[k]! > 0 ? -bestNorm : bestNorm;
    const direction = column.slice(k);
    direction[0]! -= alpha;
    // ‖direction‖² / 2, without the cancellation.
    const half = bestNorm * (bestNorm + Math.abs(column[k]!));
    const reflect = (vector: Float64Array) => {
      let product = 0;
      for (let i = k; i < rows; i++) product += direction[i - k]! * vector[i]!;
      product /= half;
      for (let i = k; i < rows; i++) vector[i]! -= product * direction[i - k]!;
    };
    for (let j = k + 1; j < factor.length; j++) reflect(factor[j]!);
    column[k] = alpha;
    reflections.push(reflect);
  }
  return { order, reflections };
}

/** Euclidean norm of what lies from `from` on, safe from underflow of the squares. */
function tailNorm(column: Float64Array, from: number): number {
  let largest = 0;
  for (let i = from; i < column.length; i++) largest = Math.max(largest, Math.abs(column[i]!));
  if (largest === 0) return 0;
  let sum = 0;
  for (let i = from; i < column.length; i++) sum += (column[i]! / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** More than any matrix needs: convergence is quadratic once the angles are small. */
const maxSweeps = 60;

/**
 * Rotates pairs of `vectors` until all are orthogonal to working precision: their lengths are then the singular values.
 * `companion` takes the same rotations, one entry a vector.
 */
function orthogonalise(vectors: readonly Float64Array[], companion: Float64Array): void {
  const tolerance = Number.EPSILON * Math.sqrt(vectors.length);
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let rotated = false;
    for (let p = 0; p < vectors.length - 1; p++) {
      for (let q = p + 1; q < vectors.length; q++) {
        if (rotatePair(vectors, companion, p, q, tolerance)) rotated = true;
      }
    }
    if (!rotated) return;
  }
}

function rotatePair(
  vectors: readonly Float64Array[],
  companion: Float64Array,
  p: number,
  q: number,
  tolerance: number,
): boolean {
  const u = vectors[p]!;
  const v = vectors[q]!;
  let uu = 0;
  let vv = 0;
  let uv = 0;
  for (let i = 0; i < u.length; i++) {
    const x = u[i]!;
    const y = v[i]!;
    uu += x * x;
    vv += y * y;
    uv += x * y;
  }
  if (uv === 0 || Math.abs(uv) <= tolerance * Math.sqrt(uu) * Math.sqrt(vv)) return false;
  const cotangent = (vv - uu) / (2 * uv);
  const tangent = Math.sign(cotangent || 1) / (Math.abs(cotangent) + Math.hypot(1, cotangent));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = cosine * tangent;
  for (let i = 0; i < u.length; i++) {
    const x = u[i]!;
    u[i] = cosine * x - sine * v[i]!;
    v[i] = sine * x + cosine * v[i]!;
  }
  const x = companion[p]!;
  companion[p] = cosine * x - sine * companion[q]!;
  companion[q] = sine * x + cosine * companion[q]!;
  return true;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
