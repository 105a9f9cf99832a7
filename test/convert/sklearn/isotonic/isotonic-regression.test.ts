import { describe, expect, it } from 'vitest';
import { array, convert, run } from '../run-estimator.js';

const className = 'sklearn.isotonic.IsotonicRegression';
const points = {
  ...{ increasing: true, X_min_: 1, X_max_: 4, y_min: null, y_max: null },
  X_thresholds_: array([1, 2, 4]),
  y_thresholds_: array([0.1, 0.3, 0.9]),
};

describe('isotonicRegression', () => {
  it('draws straight lines between its points, which it hits exactly', async () => {
    const { predict, transform } = await run(convert(className, { ...points, out_of_bounds: 'clip' }), [
      [0],
      [1],
      [1.5],
      [2],
      [3],
      [4],
      [5],
    ]);
    expect(predict).toEqual([0.1, 0.1, 0.1 + ((0.3 - 0.1) / 1) * 0.5, 0.3, 0.3 + (0.9 - 0.3) / 2, 0.9, 0.9]);
    expect(transform).toEqual(predict);
  });

  it('knows nothing beyond them, or refuses to be asked', async () => {
    const { predict } = await run(convert(className, { ...points, out_of_bounds: 'nan' }), [[0], [4], [4.1]]);
    expect(predict).toEqual([Number.NaN, 0.9, Number.NaN]);
    const strict = convert(className, { ...points, out_of_bounds: 'raise' });
    expect(strict.guards).toMatchObject([{ message: expect.stringContaining('beyond those that IsotonicRegression') }]);
    expect((await run(strict, [[2], [9]]))[strict.guards![0]!.output]).toEqual([1, 0]);
  });

  it('reads the names of 0.19 to 0.23', async () => {
    const { X_thresholds_, y_thresholds_, ...rest } = points;
    const old = { ...rest, _necessary_X_: X_thresholds_, _necessary_y_: y_thresholds_, out_of_bounds: 'clip' };
    expect((await run(convert(className, old, '0.19.2'), [[2]])).predict).toEqual([0.3]);
  });

  it('refuses points that do not rise', () => {
    const twice = { ...points, X_thresholds_: array([1, 1, 4]), out_of_bounds: 'clip' };
    expect(() => convert(className, twice)).toThrow(/X_thresholds_ should be numbers that rise/);
  });
});
