import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { solveLeastSquares } from '../../src/learn/least-squares.js';
import { fitLinearRegression } from '../../src/learn/linear-regression.js';
import { matrixOf } from './matrices.js';

interface Case {
  readonly name: string;
  readonly x: number[][];
  readonly y: number[];
  readonly rank: number;
  readonly coefficients: number[];
  readonly intercept: number;
  readonly rows: number[][];
  readonly predict: number[];
}

function read<T>(file: string): T[] {
  const text = readFileSync(join(import.meta.dirname, '../fixtures/learn', file), 'utf8');
  return (JSON.parse(text) as { cases: T[] }).cases;
}
const cases = read<Case>('linear-regression.json');
const exactCases = read<Case & { sklearn_coefficients: number[] }>('least-squares-exact.json');

describe('linear regression is scikit-learn’s', () => {
  it.each(cases)('$name', ({ x, y, rank, coefficients, intercept, rows, predict }) => {
    const model = fitLinearRegression(matrixOf(x), Float64Array.from(y));
    expect(model.rank).toBe(rank);
    // A coefficient counts by what it adds to a prediction: where the truth is 0, both have rounding errors.
    const spread = Math.max(...y.map(Math.abs)) || 1;
    for (const [j, expected] of coefficients.entries()) {
      const width = Math.max(...x.map((row) => Math.abs(row[j]!)));
      expect(Math.abs(model.coefficients[j]! - expected) * width).toBeLessThanOrEqual(
        1e-9 * Math.max(Math.abs(expected) * width, spread),
      );
    }
    expect(Math.abs(model.intercept - intercept)).toBeLessThanOrEqual(1e-9 * Math.max(Math.abs(intercept), spread));
    for (const [i, row] of rows.entries()) {
      const got = row.reduce((sum, value, j) => sum + value * model.coefficients[j]!, model.intercept);
      expect(Math.abs(got - predict[i]!)).toBeLessThanOrEqual(1e-9 * Math.max(Math.abs(predict[i]!), spread * 1e-3));
    }
  });
});

describe('where LAPACK loses digits', () => {
  it.each(exactCases)('$name: the exact solution', ({ x, y, coefficients, intercept, sklearn_coefficients }) => {
    const model = fitLinearRegression(matrixOf(x), Float64Array.from(y));
    for (const [j, exact] of coefficients.entries()) {
      expect(Math.abs(model.coefficients[j]! / exact - 1)).toBeLessThan(1e-12);
      expect(Math.abs(sklearn_coefficients[j]! / exact - 1)).toBeLessThan(1e-4);
    }
    expect(Math.abs(model.intercept / intercept - 1)).toBeLessThan(1e-12);
  });
});

describe('least squares', () => {
  const matrix = fc
    .record({ rows: fc.integer({ min: 1, max: 9 }), columns: fc.integer({ min: 1, max: 9 }) })
    .chain(({ rows, columns }) =>
      fc.record({
        rows: fc.constant(rows),
        columns: fc.constant(columns),
        // Small whole numbers make matrices of every rank.
        a: fc.array(fc.integer({ min: -2, max: 2 }), { minLength: rows * columns, maxLength: rows * columns }),
        b: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: rows, maxLength: rows }),
      }),
    );

  it('leaves a residual that no column can explain, and a solution within the space of the rows', () => {
    fc.assert(
      fc.property(matrix, ({ rows, columns, a, b }) => {
        const { x, rank } = solveLeastSquares(Float64Array.from(a), rows, columns, Float64Array.from(b), 1e-12);
        const residual = b.map((value, i) => value - x.reduce((sum, xj, j) => sum + xj * a[i * columns + j]!, 0));
        // Rows that nearly depend on each other make a large solution, of which float64 has as many digits.
        const size = Math.max(1, ...x.map(Math.abs));
        for (let j = 0; j < columns; j++) {
          const left = residual.reduce((sum, value, i) => sum + value * a[i * columns + j]!, 0);
          expect(Math.abs(left)).toBeLessThan(1e-8 * size);
        }
        // x is a combination of the rows, so solving Aᵀ z = x leaves nothing over.
        const transposed = Float64Array.from(
          { length: a.length },
          (_, k) => a[(k % rows) * columns + Math.floor(k / rows)]!,
        );
        const { x: z, rank: same } = solveLeastSquares(transposed, columns, rows, x, 1e-12);
        for (let j = 0; j < columns; j++) {
          const back = z.reduce((sum, zi, i) => sum + zi * a[i * columns + j]!, 0);
          expect(Math.abs(back - x[j]!)).toBeLessThan(1e-8 * size);
        }
        expect(same).toBe(rank);
      }),
      { numRuns: 500 },
    );
  });
});
