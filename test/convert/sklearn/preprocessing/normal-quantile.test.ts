import { describe, expect, it } from 'vitest';
import { normalQuantile } from '../../../../src/convert/sklearn/preprocessing/normal-quantile.js';
import { evaluate } from '../evaluate.js';

/** `scipy.stats.norm.ppf`, SciPy 1.15. */
const reference: readonly (readonly [number, number])[] = [
  [1e-9, -5.9978070150076865],
  [1e-8, -5.612001244174789],
  [1e-7, -5.1993375821928165],
  [3e-6, -4.526389321393594],
  [1e-5, -4.264890793922825],
  [0.0003, -3.431614403623269],
  [0.001, -3.090232306167813],
  [0.0123, -2.247626755795138],
  [0.05, -1.6448536269514729],
  [0.0749, -1.4402382675279635],
  [0.075, -1.4395314709384563],
  [0.0751, -1.4388253927525403],
  [0.1, -1.2815515655446004],
  [0.2, -0.8416212335729142],
  [0.31, -0.4958503473474533],
  [0.42, -0.20189347914185088],
  [0.4999, -0.0002506628300880075],
  [0.5, 0.0],
  [0.5001, 0.0002506628300880075],
  [0.6, 0.2533471031357997],
  [0.77, 0.7388468491852137],
  [0.9249, 1.4388253927525403],
  [0.925, 1.4395314709384563],
  [0.9251, 1.4402382675279635],
  [0.95, 1.6448536269514722],
  [0.99, 2.3263478740408408],
  [0.9999, 3.719016485455709],
  [0.999999, 4.753424308817087],
  [0.9999999, 5.199337582290661],
];

describe('normalQuantile', () => {
  it('is the quantile function of the normal distribution to a few units in the last place', async () => {
    const quantiles = await evaluate(
      normalQuantile,
      reference.map(([p]) => p),
    );
    for (const [i, [p, wanted]] of reference.entries()) {
      const error = Math.abs(quantiles[i]! - wanted);
      expect(error, `at ${p}`).toBeLessThanOrEqual(4e-15 * Math.max(Math.abs(wanted), 1e-300));
    }
  });
});
