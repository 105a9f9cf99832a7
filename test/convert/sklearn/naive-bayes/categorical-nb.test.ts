import { describe, expect, it } from 'vitest';
import { array, convert, run } from '../run-estimator.js';

const conversion = () =>
  convert('sklearn.naive_bayes.CategoricalNB', {
    classes_: array([0, 1]),
    class_log_prior_: array([Math.log(0.5), Math.log(0.5)]),
    feature_log_prob_: [
      array([0.9, 0.1, 0.2, 0.8].map(Math.log), [2, 2]),
      array([0.2, 0.3, 0.5, 0.6, 0.3, 0.1].map(Math.log), [2, 3]),
    ],
  });

describe('categoricalNB', () => {
  it('looks categories up, fractions cut off', async () => {
    const { predict_proba } = await run(conversion(), [[1.9, 2]]);
    expect(predict_proba![0]).toBeCloseTo((0.1 * 0.5) / (0.1 * 0.5 + 0.8 * 0.1), 14);
  });

  it('refuses categories that it has not seen, and negative ones, each in its own row', async () => {
    const converted = conversion();
    const [guard] = converted.guards!;
    const results = await run(converted, [
      [0, 0],
      [2, 0],
      [0, 3],
      [-1, 0],
      [-0.5, 0],
    ]);
    expect(results[guard!.output]).toEqual([1, 0, 0, 0, 1]);
    expect(guard!.message).toMatch(/a category that CategoricalNB has not seen/);
  });
});
