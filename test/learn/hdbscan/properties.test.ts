import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HdbscanOptions, hdbscan } from '../../../src/learn/hdbscan/index.js';
import { bruteForce } from './brute-force.js';

const options = fc.record({
  minClusterSize: fc.integer({ min: 2, max: 8 }),
  minSamples: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
  clusterSelectionMethod: fc.constantFrom('eom' as const, 'leaf' as const),
  clusterSelectionEpsilon: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0, max: 12 }),
    fc.integer({ min: 1, max: 20_000 }).map((x) => x / 997),
  ),
  allowSingleCluster: fc.boolean(),
  maxClusterSize: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 })),
});
/** Few values and many ties, or a minute in milliseconds, or no ties at all. */
const points = fc.oneof(
  fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 40 }),
  fc.array(fc.integer({ min: 1_660_000_000_000, max: 1_660_000_060_000 }), { maxLength: 40 }),
  fc.array(
    fc.integer({ min: -100_000, max: 100_000 }).map((x) => x / 997),
    { maxLength: 40 },
  ),
);
const plain = (x: readonly number[], given: HdbscanOptions) => {
  const { labels, probabilities, clusters } = hdbscan(x, given);
  return { labels: [...labels], probabilities: [...probabilities], clusters };
};

describe('hdbscan', () => {
  it('does what the definition says', () => {
    fc.assert(
      fc.property(points, options, (x, given) => {
        fc.pre(x.length >= 2);
        const { labels, probabilities } = plain(x, given);
        expect({ labels, probabilities }).toEqual(bruteForce(x, given));
      }),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the order of the points', () => {
    const shuffled = points.chain((x) =>
      fc.tuple(fc.constant(x), fc.shuffledSubarray([...x.keys()], { minLength: x.length, maxLength: x.length })),
    );
    fc.assert(
      fc.property(shuffled, options, ([x, order], given) => {
        const { labels, probabilities } = plain(x, given);
        const other = plain(
          order.map((i) => x[i]!),
          given,
        );
        expect(other.labels).toEqual(order.map((i) => labels[i]!));
        expect(other.probabilities).toEqual(order.map((i) => probabilities[i]!));
      }),
    );
  });

  it('does not depend on where time begins', () => {
    const whole = fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 40 });
    fc.assert(
      fc.property(
        whole,
        fc.integer({ min: -2_000_000_000_000, max: 2_000_000_000_000 }),
        options,
        (x, shift, given) => {
          const moved = x.map((value) => value + shift);
          expect(plain(moved, given)).toEqual(plain(x, given));
        },
      ),
    );
  });

  it('does not depend on the unit of time', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: -20, max: 20 }), options, (x, power, given) => {
        const factor = 2 ** power;
        const scaled = { ...given, clusterSelectionEpsilon: given.clusterSelectionEpsilon * factor };
        expect(
          plain(
            x.map((value) => value * factor),
            scaled,
          ),
        ).toEqual(plain(x, given));
      }),
    );
  });

  it('keeps equal points together, numbers clusters by time, and gives noise no probability', () => {
    fc.assert(
      fc.property(points, options, (x, given) => {
        const { labels, probabilities, clusters } = plain(x, given);
        const time = [...x.keys()].sort((a, b) => x[a]! - x[b]!);
        let seen = 0;
        for (const [i, point] of time.entries()) {
          const label = labels[point]!;
          expect(label).toBeLessThanOrEqual(seen);
          if (label === seen) seen++;
          expect(probabilities[point]).toBeGreaterThanOrEqual(0);
          expect(probabilities[point]).toBeLessThanOrEqual(1);
          if (label === -1) expect(probabilities[point]).toBe(0);
          const next = time[i + 1];
          if (next !== undefined && x[next] === x[point]) expect(labels[next]).toBe(label);
        }
        expect(clusters).toBe(seen);
      }),
    );
  });
});
