import { describe, expect, it } from 'vitest';
import { array, convert, run, texts } from '../run-estimator.js';

const className = 'sklearn.linear_model._logistic.LogisticRegression';
const binary = { coef_: array([2], [1, 1]), intercept_: array([0]), classes_: texts('no', 'yes'), solver: 'lbfgs' };

describe('logisticRegression', () => {
  it('keeps probabilities exact where they are next to nothing', async () => {
    const { predict, predict_proba, predict_log_proba } = await run(convert(className, binary, '1.8.0'), [
      [-100],
      [-0.5],
      [300],
    ]);
    expect(predict).toEqual(['no', 'no', 'yes']);
    const [, far, , near] = predict_proba as number[];
    expect(far! / (1 / (1 + Math.exp(200)))).toBeCloseTo(1, 14);
    expect(near).toBeCloseTo(1 / (1 + Math.exp(1)), 15);
    expect(predict_log_proba![1]).toBeCloseTo(-200, 12);
    // 1 - p is 0 there, of which scikit-learn takes the logarithm.
    expect(predict_log_proba![4]).toBe(Number.NEGATIVE_INFINITY);
  });

  it.each([
    ['0.19.2', 'multinomial', 'lbfgs', 1],
    ['0.22.2', 'multinomial', 'lbfgs', 2],
    ['0.22.2', 'auto', 'lbfgs', 1],
    ['1.6.1', 'deprecated', 'lbfgs', 1],
  ])('reads two classes of %s with multi_class=%s as it did', async (version, multi_class, solver, factor) => {
    const { predict_proba } = await run(convert(className, { ...binary, multi_class, solver }, version), [[0.5]]);
    expect(predict_proba![1]).toBeCloseTo(1 / (1 + Math.exp(-factor)), 15);
  });

  it.each([
    ['1.5.2', 'newton-cholesky', true],
    ['1.6.1', 'newton-cholesky', false],
    ['1.6.1', 'liblinear', true],
    ['1.6.1', 'lbfgs', false],
  ])('takes three classes of %s fitted by %s each against the rest: %s', async (version, solver, rest) => {
    const scores = [1, -0.5, 0.25];
    const three = {
      ...{ coef_: array([0, 0, 0], [3, 1]), intercept_: array(scores), classes_: array([1, 2, 3]), solver },
      multi_class: 'auto',
    };
    const { predict_proba } = await run(convert(className, three, version), [[0]]);
    const parts = scores.map((score) => (rest ? 1 / (1 + Math.exp(-score)) : Math.exp(score)));
    const sum = parts.reduce((total, part) => total + part, 0);
    for (const [i, part] of parts.entries()) expect(predict_proba![i]).toBeCloseTo(part / sum, 15);
  });

  it('refuses a parameter that no release has', () => {
    expect(() => convert(className, { ...binary, temperature: 2 })).toThrow(/its parameter temperature is not known/);
  });
});
