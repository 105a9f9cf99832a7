import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chanceBound, levelOf, stabilityIndex } from '../../../src/services/drift/stability-index.js';

/** By entropies: Σ q ln q − Σ q ln p + Σ p ln p − Σ p ln q, another way to write the symmetrised divergence. */
function byEntropies(reference: readonly number[], seen: readonly number[]): number {
  const share = (counts: readonly number[]) => counts.map((count) => count / counts.reduce((sum, n) => sum + n, 0));
  const [p, q] = [share(reference), share(seen)];
  const cross = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * Math.log(b[i]!), 0);
  return cross(q, q) - cross(q, p) + cross(p, p) - cross(p, q);
}

const counts = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 2, maxLength: 12 });

describe('the population stability index', () => {
  it('is what a textbook example says', () => {
    // Ten deciles of a scorecard, shares of 10 % against 12, 9, 11, 8, 10, 10, 9, 11, 13, 7 %, worked by hand.
    const expected = [10, 10, 10, 10, 10, 10, 10, 10, 10, 10];
    const actual = [12, 9, 11, 8, 10, 10, 9, 11, 13, 7];
    // 0.00364643 + 2·0.00105361 + 2·0.00095310 + 0.00446287 + 0.00787093 + 0.01070025
    expect(stabilityIndex(expected, actual)).toBeCloseTo(0.0306939, 7);
    expect(stabilityIndex([50, 50], [80, 20])).toBeCloseTo(0.3 * Math.log(4), 12);
  });

  it('agrees with the same written by entropies, is symmetric, and zero for equal shares', () => {
    fc.assert(
      fc.property(
        counts,
        fc.integer({ min: 1, max: 9 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 5_000 })),
        (p, k, more) => {
          const q = p.map(() => more.next().value as number);
          const index = stabilityIndex(p, q)!;
          expect(index).toBeCloseTo(byEntropies(p, q), 9);
          expect(index).toBeCloseTo(stabilityIndex(q, p)!, 12);
          expect(index).toBeGreaterThanOrEqual(0);
          expect(
            stabilityIndex(
              p,
              p.map((count) => count * k),
            ),
          ).toBeCloseTo(0, 12);
        },
      ),
    );
  });

  it('counts half an observation where only one side is empty', () => {
    const p = 0.5 / 10;
    expect(stabilityIndex([10, 0], [5, 5])).toBeCloseTo((0.5 - 1) * Math.log(0.5) + (0.5 - p) * Math.log(0.5 / p), 12);
    expect(stabilityIndex([10, 0, 10], [5, 0, 5])).toBe(0);
    expect(stabilityIndex([10, 10], [0, 0])).toBeUndefined();
  });

  it('stays below its bound by chance in about 95 of 100 samples of the same distribution', () => {
    let seed = 42;
    const random = () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed / 2 ** 32;
    };
    const sample = (size: number) => {
      const bins = new Array<number>(10).fill(0);
      for (let i = 0; i < size; i++) bins[Math.floor(random() * 10)]!++;
      return bins;
    };
    let below = 0;
    for (let i = 0; i < 1_000; i++) {
      const [reference, seen] = [sample(2_000), sample(500)];
      if (stabilityIndex(reference, seen)! <= chanceBound(reference, seen)) below++;
    }
    expect(below).toBeGreaterThan(920);
    expect(below).toBeLessThan(980);
  });

  it('is no drift where chance reaches as far', () => {
    expect([levelOf(undefined, 0), levelOf(0.05, 0.01), levelOf(0.3, 0.4)]).toEqual(['unknown', 'stable', 'stable']);
    expect([levelOf(0.2, 0.01), levelOf(0.3, 0.01)]).toEqual(['moderate', 'drifted']);
  });
});
