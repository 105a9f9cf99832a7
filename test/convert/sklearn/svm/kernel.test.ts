import { describe, expect, it } from 'vitest';
import { array, convert, run } from '../run-estimator.js';

const rows = [
  [0.3, -1.2, 5],
  [1e6, 0, 4.9],
  [1e6 + 0.25, 0.5, 5.1],
];

/** A regressor with two support vectors that stand wherever `offset` puts them. */
function regressor(kernel: string, gamma: number, offset = 0, degree = 3n) {
  return convert('sklearn.svm._classes.SVR', {
    ...{ kernel, _gamma: gamma, degree, coef0: 0.3 },
    support_vectors_: array([offset, 0, 5, offset + 1, 1, 5], [2, 3]),
    _dual_coef_: array([0.7, -1.3], [1, 2]),
    _intercept_: array([0.2]),
  });
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const square = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);

describe('kernels of support vector machines', () => {
  it.each<[string, number, number, bigint, (a: readonly number[], b: readonly number[]) => number]>([
    ['linear', 0.2, 0, 3n, dot],
    ['poly', 0.2, 0, 3n, (a, b) => (0.2 * dot(a, b) + 0.3) ** 3],
    ['poly', 0.7, 0, 0n, () => 1],
    ['sigmoid', 0.05, 0, 3n, (a, b) => Math.tanh(0.05 * dot(a, b) + 0.3)],
    // Near together, one matrix product will do; far from the origin the centre is taken away before.
    ['rbf', 0.1, 0, 3n, (a, b) => Math.exp(-0.1 * square(a, b))],
    ['rbf', 0.1, 1e6, 3n, (a, b) => Math.exp(-0.1 * square(a, b))],
    // So narrow that rounding errors of a product could be seen: differences are squared.
    ['rbf', 1e4, 1e6, 3n, (a, b) => Math.exp(-1e4 * square(a, b))],
  ])('computes %s with gamma %d at %d', async (kernel, gamma, offset, degree, reference) => {
    const { predict } = await run(regressor(kernel, gamma, offset, degree), rows);
    for (const [i, row] of rows.entries()) {
      const wanted = 0.7 * reference(row, [offset, 0, 5]) - 1.3 * reference(row, [offset + 1, 1, 5]) + 0.2;
      expect(Math.abs((predict![i] as number) - wanted)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(wanted)));
    }
  });

  it('predicts the intercept where no support vector is left', async () => {
    const conversion = convert('sklearn.svm._classes.SVR', {
      ...{ kernel: 'rbf', _gamma: 0.5, degree: 3n, coef0: 0 },
      support_vectors_: array([], [0, 3]),
      _dual_coef_: array([], [1, 0]),
      _intercept_: array([4.5]),
    });
    expect(await run(conversion, rows)).toEqual({ predict: [4.5, 4.5, 4.5] });
  });

  it('refuses a kernel that is code', () => {
    expect(() => convert('sklearn.svm._classes.SVR', { kernel: 'mine', support_vectors_: array([1], [1, 1]) })).toThrow(
      /kernel is "mine"; known are linear, poly, rbf, sigmoid, precomputed/,
    );
  });
});
