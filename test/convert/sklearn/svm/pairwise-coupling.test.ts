import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { array, convert, run } from '../run-estimator.js';

/** libsvm's `multiclass_probability`, line by line. */
function multiclassProbability(r: readonly (readonly number[])[]): number[] {
  const k = r.length;
  const p = Array.from({ length: k }, () => 1 / k);
  const q = r.map((_, t) => r.map((_, j) => (t === j ? 0 : -r[j]![t]! * r[t]![j]!)));
  for (let t = 0; t < k; t++) for (let j = 0; j < k; j++) if (j !== t) q[t]![t]! += r[j]![t]! * r[j]![t]!;
  for (let iteration = 0; iteration < Math.max(100, k); iteration++) {
    const qp = q.map((row) => row.reduce((sum, value, j) => sum + value * p[j]!, 0));
    let pqp = p.reduce((sum, value, t) => sum + value * qp[t]!, 0);
    if (Math.max(...qp.map((value) => Math.abs(value - pqp))) < 0.005 / k) break;
    for (let t = 0; t < k; t++) {
      const own = q[t]![t]!;
      const difference = (-qp[t]! + pqp) / own;
      p[t]! += difference;
      pqp = (pqp + difference * (difference * own + 2 * qp[t]!)) / (1 + difference) / (1 + difference);
      for (let j = 0; j < k; j++) {
        qp[j] = (qp[j]! + difference * q[t]![j]!) / (1 + difference);
        p[j]! /= 1 + difference;
      }
    }
  }
  return p;
}

/** One support vector a class, at zero, so that the decisions are the intercepts whatever the row. */
function machine(count: number, decisions: readonly number[], slope: number) {
  return convert('sklearn.svm._classes.SVC', {
    ...{ kernel: 'linear', _gamma: 1, degree: 3n, coef0: 0, probability: true, decision_function_shape: 'ovo' },
    break_ties: false,
    classes_: array(Array.from({ length: count }, (_, i) => i)),
    support_vectors_: array(new Array(count).fill(0), [count, 1]),
    _dual_coef_: array(new Array(count * (count - 1)).fill(0), [count - 1, count]),
    _intercept_: array(decisions),
    _n_support: array(new Array(count).fill(1)),
    _probA: array(decisions.map(() => slope)),
    _probB: array(decisions.map(() => 0.1)),
  });
}

const pairs = (count: number) => (count * (count - 1)) / 2;

describe('coupledProbabilities', () => {
  it('iterates as libsvm does', async () => {
    const sizes = fc.integer({ min: 2, max: 6 });
    const given = sizes.chain((count) =>
      fc.record({
        count: fc.constant(count),
        slope: fc.constantFrom(-0.3, -1, -4),
        decisions: fc.array(fc.double({ min: -5, max: 5, noNaN: true }), {
          minLength: pairs(count),
          maxLength: pairs(count),
        }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(given, async ({ count, slope, decisions }) => {
        const r = Array.from({ length: count }, () => new Array<number>(count).fill(0));
        let pair = 0;
        for (let i = 0; i < count; i++) {
          for (let j = i + 1; j < count; j++) {
            const f = decisions[pair++]! * slope + 0.1;
            const sigmoid = f >= 0 ? Math.exp(-f) / (1 + Math.exp(-f)) : 1 / (1 + Math.exp(f));
            r[i]![j] = Math.min(Math.max(sigmoid, 1e-7), 1 - 1e-7);
            r[j]![i] = 1 - r[i]![j]!;
          }
        }
        const wanted = multiclassProbability(r);
        const { predict_proba } = await run(machine(count, decisions, slope), [[0], [1]]);
        for (const [i, p] of predict_proba!.entries()) expect(p).toBeCloseTo(wanted[i % count]!, 12);
      }),
      { numRuns: 25 },
    );
  });

  it('stops for each row alone, whatever rows come with it', async () => {
    const conversion = convert('sklearn.svm._classes.SVC', {
      ...{ kernel: 'linear', _gamma: 1, degree: 3n, coef0: 0, probability: true, decision_function_shape: 'ovr' },
      break_ties: false,
      classes_: array([0, 1, 2]),
      support_vectors_: array([-1, 0, 1], [3, 1]),
      _dual_coef_: array([0.4, -0.8, 0.2, 0.7, 0.3, -0.9], [2, 3]),
      _intercept_: array([0.1, -0.2, 0.3]),
      _n_support: array([1, 1, 1]),
      _probA: array([-2, -1, -3]),
      _probB: array([0.1, 0.2, -0.1]),
    });
    const rows = [[-9], [-0.3], [0], [0.01], [4], [250]];
    const { predict_proba: together } = await run(conversion, rows);
    for (const [i, row] of rows.entries()) {
      const { predict_proba: alone } = await run(conversion, [row]);
      expect(alone).toEqual(together!.slice(i * 3, i * 3 + 3));
    }
  });
});
