import type { Dendrogram } from './dendrogram.js';

/**
 * The hierarchy of clusters of at least so many points: going down the dendrogram, a part that is smaller falls out of
 * its cluster, and a cluster ends where both parts are large enough. Cluster 0 holds everything; parents have smaller
 * numbers than their children. λ is one by the distance, infinite at distance 0.
 */
export interface CondensedTree {
  /** [clusters] */
  readonly parent: Uint32Array;
  /** [clusters] the first of the two clusters that it splits into, the second is the next; 0 where it does not split. */
  readonly child: Uint32Array;
  /** [clusters] points */
  readonly size: Uint32Array;
  /** [clusters] λ at which it splits from its parent */
  readonly birth: Float64Array;
  /** [clusters] largest λ at which something leaves it */
  readonly death: Float64Array;
  /** [clusters] Σ (λ − birth) over the points, λ being where each leaves: the excess of mass */
  readonly stability: Float64Array;
  /** [points] the cluster that a point falls out of, not into another one */
  readonly lastCluster: Uint32Array;
  /** [points] λ at which it does */
  readonly lambda: Float64Array;
}

/**
 * Reference: hdbscan/_hdbscan_tree.pyx, condense_tree and compute_stability. Stabilities are summed term by term in the
 * reference's order, from the top down: where two are equal but for rounding, rounding decides.
 */
export function condense(dendrogram: Dendrogram, minClusterSize: number): CondensedTree {
  const { points, first, second, firstSize, secondSize, distance } = dendrogram;
  const merges = points - 1;
  let clusters = 1;
  for (let merge = 0; merge < merges; merge++) {
    if (firstSize[merge]! >= minClusterSize && secondSize[merge]! >= minClusterSize) clusters += 2;
  }
  const parent = new Uint32Array(clusters);
  const child = new Uint32Array(clusters);
  const size = new Uint32Array(clusters);
  const birth = new Float64Array(clusters);
  const death = new Float64Array(clusters);
  const stability = new Float64Array(clusters);
  size[0] = points;

  // Of a node: the cluster that it is (a part of), or −1 − the merge at which it fell out of one.
  const place = new Int32Array(points + merges);
  let next = 1;
  for (let merge = merges - 1; merge >= 0; merge--) {
    const cluster = place[points + merge]!;
    const a = first[merge]!;
    const b = second[merge]!;
    if (cluster < 0) {
      place[a] = cluster;
      place[b] = cluster;
      continue;
    }
    const sizeA = firstSize[merge]!;
    const sizeB = secondSize[merge]!;
    const lambda = lambdaAt(distance[merge]!);
    const gain = lambda - birth[cluster]!;
    death[cluster] = lambda;
    if (sizeA >= minClusterSize && sizeB >= minClusterSize) {
      stability[cluster] = stability[cluster]! + gain * sizeA + gain * sizeB;
      child[cluster] = next;
      parent.fill(cluster, next, next + 2);
      birth.fill(lambda, next, next + 2);
      size[next] = sizeA;
      size[next + 1] = sizeB;
      place[a] = next++;
      place[b] = next++;
      continue;
    }
    let leaving = 0;
    if (sizeA < minClusterSize) leaving += sizeA;
    if (sizeB < minClusterSize) leaving += sizeB;
    for (let i = 0; i < leaving; i++) stability[cluster]! += gain;
    place[a] = sizeA < minClusterSize ? -1 - merge : cluster;
    place[b] = sizeB < minClusterSize ? -1 - merge : cluster;
  }

  const lastCluster = new Uint32Array(points);
  const lambda = new Float64Array(points);
  for (let point = 0; point < points; point++) {
    const merge = -1 - place[point]!;
    lastCluster[point] = place[points + merge]!;
    lambda[point] = lambdaAt(distance[merge]!);
  }
  return { parent, child, size, birth, death, stability, lastCluster, lambda };
}

const lambdaAt = (distance: number): number => (distance > 0 ? 1 / distance : Number.POSITIVE_INFINITY);
