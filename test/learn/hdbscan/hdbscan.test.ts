import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { type HdbscanOptions, hdbscan } from '../../../src/learn/hdbscan/index.js';

const labelsOf = (points: readonly number[], options?: HdbscanOptions) => [...hdbscan(points, options).labels];
const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
  } catch (error) {
    if (error instanceof VitrinaError) return error.code;
    throw error;
  }
  return undefined;
};

describe('the eight events of the sessions app', () => {
  it('are two sessions of romain and none of anes, in whatever order', () => {
    const events = [1, 2, 6, 10, 12, 13];
    const expected = [-1, 0, 0, 1, 1, 1];
    expect(labelsOf(events, { minClusterSize: 2 })).toEqual(expected);
    expect(labelsOf(events.toReversed(), { minClusterSize: 2 })).toEqual(expected.toReversed());
    expect(labelsOf([18, 19], { minClusterSize: 2 })).toEqual([-1, -1]);
  });
});

describe('few points', () => {
  it('are no cluster when there are none, or one, or fewer than a cluster takes', () => {
    expect(hdbscan([])).toEqual({ labels: new Int32Array(0), probabilities: new Float64Array(0), clusters: 0 });
    const single = { allowSingleCluster: true };
    expect(labelsOf([5], single)).toEqual([-1]);
    expect(labelsOf([1, 2, 3, 4])).toEqual([-1, -1, -1, -1]);
  });

  it('may be one cluster, whatever their number, when that is allowed, as in the reference', () => {
    expect(labelsOf([1, 2, 3, 4], { allowSingleCluster: true })).toEqual([0, 0, 0, 0]);
  });

  it('have as many neighbours as there are', () => {
    expect(labelsOf([1, 2, 50, 51], { minClusterSize: 2, minSamples: 1000 })).toEqual(
      labelsOf([1, 2, 50, 51], { minClusterSize: 2, minSamples: 3 }),
    );
  });
});

describe('points that do not differ', () => {
  const same = Array.from({ length: 12 }, () => 7);
  it('are no clusters, since nothing parts', () => {
    expect(labelsOf(same)).toEqual(same.map(() => -1));
    expect(labelsOf(same, { allowSingleCluster: true, clusterSelectionMethod: 'leaf' })).toEqual(same.map(() => -1));
  });

  it('are one with certainty where one is allowed', () => {
    const { labels, probabilities } = hdbscan(same, { allowSingleCluster: true });
    expect([...labels]).toEqual(same.map(() => 0));
    expect([...probabilities]).toEqual(same.map(() => 1));
  });

  it('are clusters beside each other, 0 and −0 being one; what joins them at any distance has no certainty', () => {
    const points = [0, -0, 0, -0, 0, 9, 9, 9, 9, 9, 4];
    const { labels, probabilities } = hdbscan(points, { minSamples: 2 });
    expect([...labels]).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0]);
    expect([...probabilities]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
  });
});

describe('large numbers', () => {
  it('are milliseconds as well as numbers from the ends of the scale', () => {
    const near = [0, 1, 2, 1000, 1001, 1002];
    const options = { minClusterSize: 3, minSamples: 1 };
    expect(labelsOf(near, options)).toEqual([0, 0, 0, 1, 1, 1]);
    expect(
      labelsOf(
        near.map((x) => x + 1.66e12),
        options,
      ),
    ).toEqual([0, 0, 0, 1, 1, 1]);
    expect(
      labelsOf(
        near.map((x) => -x * 2 ** 900),
        options,
      ),
    ).toEqual([1, 1, 1, 0, 0, 0]);
    expect(labelsOf([-1.7e308, -1.7e308, -1.7e308, 1.7e308, 1.7e308, 1.7e308], options)).toEqual([0, 0, 0, 1, 1, 1]);
  });
});

describe('deep hierarchies', () => {
  it('need no stack', () => {
    // Every pair is farther from the last than the one before: each splits off alone from all that came before it.
    const pairs = 50_000;
    const points = Float64Array.from({ length: 2 * pairs }, (_, i) => Math.floor(i / 2) ** 2 * 4 + (i % 2));
    for (const clusterSelectionMethod of ['eom', 'leaf'] as const) {
      for (const clusterSelectionEpsilon of [0, 5000]) {
        const { clusters, labels } = hdbscan(points, {
          minClusterSize: 2,
          minSamples: 1,
          clusterSelectionMethod,
          clusterSelectionEpsilon,
        });
        // Pair i begins 8i − 5 after the end of pair i − 1: up to pair 625 that is at most 5000.
        expect(clusters).toBe(clusterSelectionEpsilon === 0 ? pairs : pairs - 625);
        expect(labels.indexOf(-1)).toBe(-1);
      }
    }
  });
});

describe('what cannot be clustered', () => {
  it('is refused with its place', () => {
    expect(() => hdbscan([1, Number.NaN, 3])).toThrow(/^Point 1 is NaN, .*finite/);
    expect(codeOf(() => hdbscan([Number.POSITIVE_INFINITY]))).toBe('clustering-point-invalid');
    expect(codeOf(() => hdbscan(['today' as unknown as number]))).toBe('clustering-point-invalid');
  });

  const invalid: readonly [keyof HdbscanOptions, unknown][] = [
    ['minClusterSize', 1],
    ['minClusterSize', 2.5],
    ['minClusterSize', '5'],
    ['minSamples', 0],
    ['minSamples', -3],
    ['minSamples', Number.NaN],
    ['clusterSelectionMethod', 'dbscan'],
    ['clusterSelectionEpsilon', -0.1],
    ['clusterSelectionEpsilon', Number.NaN],
    ['allowSingleCluster', 'yes'],
    ['maxClusterSize', -1],
  ];
  it.each(invalid)('names the option %s, being %s', (option, value) => {
    const run = () => hdbscan([1, 2, 3], { [option]: value });
    expect(codeOf(run)).toBe('clustering-option-invalid');
    expect(run).toThrow(`option ${option} is ${String(value)}, but must be`);
  });
});
