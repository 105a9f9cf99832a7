import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLabels } from '../../src/learn/labels.js';
import { type Trained, trainKnnClassifier, trainKnnRegressor } from '../../src/learn/train.js';
import { openSession } from '../../src/runtime/index.js';
import type { Tensor } from '../../src/tensor.js';
import { matrixOf } from './matrices.js';

interface Case {
  readonly name: string;
  readonly n_neighbors: number;
  readonly weights: 'uniform' | 'distance';
  readonly x: number[][];
  readonly y: (number | string | boolean)[];
  readonly rows: number[][];
  readonly predict: (number | string | boolean)[];
  readonly classes?: (number | string | boolean)[];
  readonly predict_proba?: number[][];
}

const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/learn/neighbours.json'), 'utf8')) as {
  cases: Case[];
};

/** Cells of a CSV file as pandas writes them. */
const cellOf = (value: number | string | boolean) =>
  typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value);
const names = (width: number) => ({ features: Array.from({ length: width }, (_, j) => `x${j}`), target: 'y' });

async function predict({ model }: Trained, rows: readonly (readonly number[])[]): Promise<Record<string, Tensor>> {
  const session = await openSession(model.graph, 'inline');
  try {
    const { data, columns } = matrixOf(rows);
    return await session.run({ X: { dtype: 'float64', shape: [rows.length, columns], data } });
  } finally {
    await session.close();
  }
}

const valuesOf = ({ dtype, data }: Tensor) =>
  Array.from(data as ArrayLike<number | bigint | string>, (value) =>
    dtype === 'bool' ? value === 1 : typeof value === 'bigint' ? Number(value) : value,
  );

function expectClose(got: readonly unknown[], expected: readonly number[]): void {
  expect(got).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs((got[i] as number) - value)).toBeLessThanOrEqual(1e-9 * Math.abs(value) + 1e-15);
  }
}

describe('nearest neighbours are scikit-learn’s', () => {
  it.each(cases)('$name, $n_neighbors neighbours, $weights', async (one) => {
    const { x, y, rows, weights, n_neighbors: neighbours, classes, predict_proba: probabilities } = one;
    const matrix = matrixOf(x);
    const settings = { neighbours, weights };
    if (classes === undefined) {
      const trained = trainKnnRegressor(matrix, Float64Array.from(y as number[]), names(matrix.columns), settings);
      const answer = await predict(trained, rows);
      expectClose(valuesOf(answer.predict!), one.predict as number[]);
      return;
    }
    const labels = readLabels(y.map(cellOf));
    expect(labels.names).toEqual(classes.map(cellOf));
    const answer = await predict(trainKnnClassifier(matrix, labels, names(matrix.columns), settings), rows);
    expect(valuesOf(answer.predict!)).toEqual(one.predict);
    expectClose(valuesOf(answer.predict_proba!), probabilities!.flat());
  });
});

describe('neighbours equally far', () => {
  it('count in the order of the training rows', async () => {
    const x = matrixOf([[1], [-1], [1], [3]]);
    const settings = { neighbours: 2, weights: 'uniform' } as const;
    const answer = await predict(trainKnnRegressor(x, Float64Array.of(10, 20, 30, 40), names(1), settings), [[0], [2]]);
    expect(valuesOf(answer.predict!)).toEqual([15, 20]);
  });

  it('give the first class, in the order of the labels, when votes are even', async () => {
    const settings = { neighbours: 2, weights: 'uniform' } as const;
    const labels = readLabels(['b', 'a']);
    const answer = await predict(trainKnnClassifier(matrixOf([[1], [-1]]), labels, names(1), settings), [[0]]);
    expect(valuesOf(answer.predict!)).toEqual(['a']);
  });
});

describe('labels', () => {
  it.each([
    [['3', '-1', '3'], 'int64', ['-1', '3']],
    [['1.0', '2', '1'], 'float64', ['1', '2']],
    [['True', 'false'], 'bool', ['False', 'True']],
    [['1', 'x'], 'string', ['1', 'x']],
    [['\u{1F600}', '\uFF21'], 'string', ['\uFF21', '\u{1F600}']],
    [['9223372036854775807000'], 'float64', ['9.223372036854776e+21']],
  ])('%j are %s', (cells, dtype, classes) => {
    const labels = readLabels(cells);
    expect([labels.classes.dtype, labels.names]).toEqual([dtype, classes]);
  });

  it('stand for the cells that they came from', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.integer().map(String)), { minLength: 1 }), (cells) => {
        const { names: texts, codes, classes } = readLabels(cells);
        if (classes.dtype === 'string') expect(Array.from(codes, (code) => texts[code])).toEqual(cells);
        else expect(Array.from(codes, (code) => Number(texts[code]))).toEqual(cells.map(Number));
      }),
    );
  });
});
