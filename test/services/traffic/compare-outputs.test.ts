import { describe, expect, it } from 'vitest';
import type { ReadyVersion } from '../../../src/services/repository/ready-version.js';
import { compareOutputs } from '../../../src/services/traffic/compare-outputs.js';
import type { TensorSpec } from '../../../src/signature.js';
import type { Tensor } from '../../../src/tensor.js';

const doubles = (shape: readonly number[], ...values: number[]): Tensor => ({
  dtype: 'float64',
  shape,
  data: Float64Array.from(values),
});
const texts = (...values: string[]): Tensor => ({ dtype: 'string', shape: [values.length], data: values });
const versionWith = (outputs: readonly TensorSpec[], labels?: readonly string[]) =>
  ({ signature: { inputs: [], outputs }, labels }) as unknown as ReadyVersion;
const y: TensorSpec = { name: 'y', dtype: 'float64', shape: [null] };

describe('the comparison of outputs', () => {
  const compareY = (mine: number[], other: number[], tolerance = 1e-6) =>
    compareOutputs(
      versionWith([y]),
      { y: doubles([mine.length], ...mine) },
      { y: doubles([other.length], ...other) },
      tolerance,
    );

  it('takes what is within the tolerance for equal, and says how far it was off', () => {
    expect(
      compareY(
        [1, 1e6, Number.NaN, Number.POSITIVE_INFINITY],
        [1 + 5e-7, 1e6 + 0.5, Number.NaN, Number.POSITIVE_INFINITY],
      ),
    ).toEqual({
      differs: false,
      labelChanges: 0,
      largest: { y: 0.5 },
      differences: [],
    });
  });

  it('names the element that is farthest off', () => {
    const { differs, largest, differences } = compareY([1, 2, 3], [1, 2.5, 3.1]);
    expect([differs, largest.y]).toEqual([true, 0.5]);
    expect(differences).toEqual([{ output: 'y', at: 1, answered: 2, shadow: 2.5 }]);
  });

  it.each([
    ['NaN against a number', [1, Number.NaN], [1, 2], { output: 'y', at: 1, answered: 'NaN', shadow: 2 }],
    ['infinities of two signs', [-1 / 0], [1 / 0], { output: 'y', at: 0, answered: '-Infinity', shadow: 'Infinity' }],
    ['another number of rows', [1], [1, 2], { output: 'y', answered: 'float64[1]', shadow: 'float64[2]' }],
  ])('sees %s', (_name, mine, other, difference) => {
    expect(compareY(mine, other)).toMatchObject({ differs: true, differences: [difference] });
  });

  it('counts the rows whose class changed: by label, and by the likeliest of named classes', () => {
    const version = versionWith([
      { name: 'predict', dtype: 'string', shape: [null] },
      { name: 'predict_proba', dtype: 'float64', shape: [null, 2], columns: ['no', 'yes'] },
    ]);
    const result = compareOutputs(
      version,
      { predict: texts('no', 'yes', 'yes'), predict_proba: doubles([3, 2], 0.9, 0.1, 0.2, 0.8, 0.4, 0.6) },
      { predict: texts('no', 'no', 'yes'), predict_proba: doubles([3, 2], 0.9, 0.1, 0.75, 0.3, 0.4, 0.6) },
      1e-6,
    );
    expect(result.labelChanges).toBe(1);
    expect(result.differences.map(({ output, at }) => [output, at])).toEqual([
      ['predict', 1],
      ['predict_proba', 2],
    ]);
  });

  it('tells outputs that only one of them has', () => {
    const result = compareOutputs(versionWith([y]), { y: doubles([1], 1) }, { z: doubles([1], 1) }, 0);
    expect(result.differences).toEqual([
      { output: 'y', answered: 'float64[1]', shadow: 'none' },
      { output: 'z', answered: 'none', shadow: 'float64[1]' },
    ]);
  });
});
