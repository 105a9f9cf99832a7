import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { condense } from '../../../src/learn/hdbscan/condensed-tree.js';
import { hierarchyOf } from '../../../src/learn/hdbscan/hierarchy.js';
import { coreDistances, spanningTree } from '../../../src/learn/hdbscan/spanning-tree.js';

const times = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 60 }),
  fc.array(
    fc.integer({ min: 0, max: 100_000 }).map((x) => x / 997),
    { minLength: 2, maxLength: 60 },
  ),
);

/** Of every point, what is known of where it leaves and of the cluster that it leaves, however merges are numbered. */
function fates(x: Float64Array, neighbours: number, minClusterSize: number, block: number | undefined) {
  const hierarchy = hierarchyOf(spanningTree(x, coreDistances(x, neighbours)), x, minClusterSize, block);
  const { cluster, parent, child, size, birth, death, stability } = condense(hierarchy);
  const lineage = (own: number): unknown[] => {
    const facts = [size[own], birth[own], death[own], stability[own], child[own] === 0];
    return own === 0 ? facts : [...facts, ...lineage(parent[own]!)];
  };
  return Array.from(hierarchy.joined, (merge) => [hierarchy.lambda[merge], ...lineage(cluster[merge]!)]);
}

describe('hierarchyOf', () => {
  it('is the same whether points are taken all at once or block by block', () => {
    fc.assert(
      fc.property(
        times,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 1, max: 20 }),
        (list, neighbours, minClusterSize, block) => {
          const x = Float64Array.from(list).sort();
          const k = Math.min(neighbours, x.length - 1);
          expect(fates(x, k, minClusterSize, block)).toEqual(fates(x, k, minClusterSize, x.length));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('takes several blocks without being told to', () => {
    // Sessions of some minutes, pauses of some hours, one event a second or so.
    let now = 0;
    const x = Float64Array.from({ length: 20_000 }, (_, i) => {
      now += i % 300 === 0 ? 1e7 + ((i * 7919) % 1000) : 1 + ((i * 104_729) % 2000);
      return now;
    });
    const [own, other] = [fates(x, 5, 5, undefined), fates(x, 5, 5, x.length)].map((all) => JSON.stringify(all));
    expect(own === other).toBe(true);
  });
});
