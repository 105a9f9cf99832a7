import { describe, expect, it } from 'vitest';
import { normalProbability } from '../../../../src/convert/sklearn/meta/normal-probability.js';
import { evaluate } from '../evaluate.js';

/** `scipy.stats.norm.cdf` */
const reference: readonly (readonly [number, number])[] = [
  [-9.5, 1.0494515075362604e-21],
  [-6, 9.865876450376946e-10],
  [-5.2, 9.96442631693347e-8],
  [-3, 0.0013498980316300933],
  [-1.5, 0.06680720126885807],
  [-1.4, 0.08075665923377107],
  [-1, 0.15865525393145707],
  [-0.3, 0.3820885778110474],
  [-1e-9, 0.49999999960105773],
  [0, 0.5],
  [1e-9, 0.5000000003989423],
  [0.3, 0.6179114221889526],
  [1, 0.8413447460685429],
  [1.4, 0.9192433407662289],
  [2, 0.9772498680518208],
  [3.7, 0.9998922002665226],
  [5.2, 0.9999999003557368],
  [8, 0.9999999999999993],
];

describe('normalProbability', () => {
  it('is the normal distribution function of SciPy', async () => {
    const got = await evaluate(
      normalProbability,
      reference.map(([x]) => x),
    );
    for (const [i, [x, p]] of reference.entries()) {
      expect(Math.abs(got[i]! - p) / p, `at ${x}`).toBeLessThan(1e-14);
    }
  });
});
