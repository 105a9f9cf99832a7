import { describe, expect, it } from 'vitest';
import { array, convert, run, texts } from '../run-estimator.js';

const className = 'sklearn.dummy.DummyClassifier';
const spam = { classes_: texts('ham', 'spam'), class_prior_: array([0.25, 0.75]), n_features_in_: 2n };

describe('dummyClassifier', () => {
  it.each([
    ['prior', {}, 'spam', [0.25, 0.75]],
    ['most_frequent', {}, 'spam', [0, 1]],
    ['constant', { constant: texts('ham') }, 'ham', [1, 0]],
    ['constant', { constant: 'ham' }, 'ham', [1, 0]],
  ])('answers %s', async (strategy, more, label, probabilities) => {
    const { predict, predict_proba } = await run(convert(className, { ...spam, ...more, strategy }), [
      [1, 2],
      [Number.NaN, 0],
    ]);
    expect(predict).toEqual([label, label]);
    expect(predict_proba).toEqual([...probabilities, ...probabilities]);
  });

  it.each(['stratified', 'uniform'])('refuses %s, which answers at random', (strategy) => {
    expect(() => convert(className, { ...spam, strategy })).toThrow(new RegExp(`strategy is "${strategy}"`));
  });
});
