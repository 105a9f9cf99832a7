import { describe, expect, it } from 'vitest';
import { array, convert, run } from '../run-estimator.js';

const className = 'sklearn.linear_model._stochastic_gradient.SGDClassifier';
const three = { coef_: array([1, 1, -1], [3, 1]), intercept_: array([0, 0.5, 0]), classes_: array([0, 1, 2]) };

describe('sgdClassifier', () => {
  it('clips the scores of modified_huber, and shares out evenly where no class is possible', async () => {
    const conversion = convert(className, { ...three, loss: 'modified_huber' });
    const { predict_proba } = await run(conversion, [[0.5], [-1.5]]);
    expect(predict_proba!.slice(0, 3)).toEqual([0.75 / 2, 1 / 2, 0.25 / 2]);
    const none = { ...three, loss: 'modified_huber', intercept_: array([-9, -9, -9]) };
    const { predict_proba: even } = await run(convert(className, none), [[0.1]]);
    expect(even).toEqual([1 / 3, 1 / 3, 1 / 3]);
  });

  it('gives probabilities for the losses that have them alone', async () => {
    const methods = async (loss: string) => Object.keys(await run(convert(className, { ...three, loss }), [[0]]));
    expect(await methods('hinge')).toEqual(['predict', 'decision_function']);
    for (const loss of ['log', 'log_loss', 'modified_huber']) expect(await methods(loss)).toContain('predict_proba');
  });
});
