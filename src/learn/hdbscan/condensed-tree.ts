import type { Hierarchy } from './groups.js';
import { scratch } from './scratch.js';

/**
 * The hierarchy of clusters: from the top down, points leave a cluster, until it ends where it splits into two others.
 * Cluster 0 holds everything; parents have smaller numbers than their children.
 */
export interface CondensedTree {
  /** [clusters] */
  readonly parent: Uint32Array;
  /** [clusters] the first of the two clusters that it splits into, the second is the next; 0 where it does not split. */
  readonly child: Uint32Array;
  /** [clusters] points */
  readonly size: Uint32Array;
  /** [clusters] λ at which it splits from its parent, 0 for cluster 0 */
  readonly birth: Float64Array;
  /** [clusters] largest λ at which something leaves it */
  readonly death: Float64Array;
  /** [clusters] Σ (λ − birth) over the points, λ being where each leaves: the excess of mass */
  readonly stability: Float64Array;
  /** [merges] the cluster in which a merge of the hierarchy happens */
  readonly cluster: Uint32Array;
}

/**
 * Reference: hdbscan/_hdbscan_tree.pyx, condense_tree and compute_stability. Stabilities are summed term by term in the
 * reference's order, from the top down: where two are equal but for rounding, rounding decides.
 */
export function condense({ first, second, size: sizes, joining, lambda }: Hierarchy): CondensedTree {
  const merges = lambda.length;
  let clusters = 1;
  for (let merge = 0; merge < merges; merge++) if (first[merge]! >= 0 && second[merge]! >= 0) clusters += 2;
  const parent = scratch.uint32(clusters);
  const child = scratch.uint32(clusters);
  const size = scratch.uint32(clusters);
  const birth = scratch.float64(clusters);
  const death = scratch.float64(clusters);
  const stability = scratch.float64(clusters);
  const cluster = scratch.uint32(merges);
  size[0] = sizes[merges - 1]!;
  let next = 1;

  for (let merge = merges - 1; merge >= 0; merge--) {
    const own = cluster[merge]!;
    const a = first[merge]!;
    const b = second[merge]!;
    const gain = lambda[merge]! - birth[own]!;
    death[own] = lambda[merge]!;
    for (let point = 0; point < joining[merge]!; point++) stability[own]! += gain;
    if (a >= 0 && b >= 0) {
      child[own] = next;
      for (const part of [a, b]) {
        stability[own]! += gain * sizes[part]!;
        parent[next] = own;
        birth[next] = lambda[merge]!;
        size[next] = sizes[part]!;
        cluster[part] = next++;
      }
    } else if (a >= 0) {
      cluster[a] = own;
    } else if (b >= 0) {
      cluster[b] = own;
    }
  }
  return { parent, child, size, birth, death, stability, cluster };
}
