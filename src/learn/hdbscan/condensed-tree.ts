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
  const { points, first, second, size, distance } = dendrogram;
  const merges = points - 1;
  const sizeOf = (node: number): number => (node < points ? 1 : size[node - points]!);

  let clusters = 1;
  for (let merge = 0; merge < merges; merge++) {
    if (sizeOf(first[merge]!) >= minClusterSize && sizeOf(second[merge]!) >= minClusterSize) clusters += 2;
  }
  const tree = {
    parent: new Uint32Array(clusters),
    child: new Uint32Array(clusters),
    size: new Uint32Array(clusters),
    birth: new Float64Array(clusters),
    death: new Float64Array(clusters),
    stability: new Float64Array(clusters),
  };
  tree.size[0] = points;

  // Of a node: the cluster that it is (a part of), or −1 − the merge at which it fell out of one.
  const place = new Int32Array(points + merges);
  let next = 1;
  for (let merge = merges - 1; merge >= 0; merge--) {
    const cluster = place[points + merge]!;
    const children = [first[merge]!, second[merge]!] as const;
    if (cluster < 0) {
      for (const node of children) place[node] = cluster;
      continue;
    }
    const lambda = lambdaAt(distance[merge]!);
    const gain = lambda - tree.birth[cluster]!;
    tree.death[cluster] = lambda;
    const splits = sizeOf(children[0]) >= minClusterSize && sizeOf(children[1]) >= minClusterSize;
    if (splits) tree.child[cluster] = next;
    for (const node of children) {
      const count = sizeOf(node);
      if (splits) {
        tree.parent[next] = cluster;
        tree.birth[next] = lambda;
        tree.size[next] = count;
        tree.stability[cluster]! += gain * count;
        place[node] = next++;
      } else if (count >= minClusterSize) {
        place[node] = cluster;
      } else {
        for (let i = 0; i < count; i++) tree.stability[cluster]! += gain;
        place[node] = -1 - merge;
      }
    }
  }

  const lastCluster = new Uint32Array(points);
  const lambda = new Float64Array(points);
  for (let point = 0; point < points; point++) {
    const merge = -1 - place[point]!;
    lastCluster[point] = place[points + merge]!;
    lambda[point] = lambdaAt(distance[merge]!);
  }
  return { ...tree, lastCluster, lambda };
}

const lambdaAt = (distance: number): number => (distance > 0 ? 1 / distance : Number.POSITIVE_INFINITY);
