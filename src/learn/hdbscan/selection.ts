import type { CondensedTree } from './condensed-tree.js';

export interface Selection {
  readonly method: 'eom' | 'leaf';
  /** Clusters that split at a smaller distance stay together. */
  readonly epsilon: number;
  /** Cluster 0 may be chosen. */
  readonly allowSingle: boolean;
  /** By excess of mass, larger clusters are not chosen. */
  readonly maxSize: number;
}

/**
 * Which clusters of the hierarchy are the answer: [clusters] 1 for those.
 * Reference: hdbscan/_hdbscan_tree.pyx, get_clusters.
 */
export function select(tree: CondensedTree, selection: Selection): Uint8Array {
  const { method, epsilon, allowSingle } = selection;
  const chosen = method === 'eom' ? byExcessOfMass(tree, selection) : leaves(tree);
  if (epsilon === 0 || tree.parent.length === 1 || chosen[0] === 1) return chosen;
  return joinBelow(epsilon, tree, chosen, allowSingle);
}

/**
 * The clusters whose stability is at least that of what they split into. The reference sums the latter in single
 * precision, which decides where both are nearly equal.
 */
function byExcessOfMass(tree: CondensedTree, { allowSingle, maxSize }: Selection): Uint8Array {
  const { parent, child, size } = tree;
  const stability = tree.stability.slice();
  const chosen = new Uint8Array(parent.length);
  for (let cluster = parent.length - 1; cluster >= (allowSingle ? 0 : 1); cluster--) {
    const split = child[cluster]!;
    const below = split === 0 ? 0 : Math.fround(Math.fround(stability[split]!) + stability[split + 1]!);
    // The reference counts the points of cluster 0 at its split, and none where there is no split.
    const points = cluster > 0 ? size[cluster]! : split === 0 ? 0 : size[split]! + size[split + 1]!;
    if (below > stability[cluster]! || points > maxSize) stability[cluster] = below;
    else chosen[cluster] = 1;
  }
  // Below a chosen cluster nothing is chosen.
  const covered = new Uint8Array(parent.length);
  for (let cluster = 1; cluster < parent.length; cluster++) {
    const above = parent[cluster]!;
    covered[cluster] = covered[above]! | chosen[above]!;
    if (covered[cluster] === 1) chosen[cluster] = 0;
  }
  return chosen;
}

/** The clusters that do not split; none when nothing does. */
function leaves({ child }: CondensedTree): Uint8Array {
  const chosen = new Uint8Array(child.length);
  for (let cluster = 1; cluster < child.length; cluster++) chosen[cluster] = child[cluster] === 0 ? 1 : 0;
  return chosen;
}

/**
 * Replaces clusters that split off below a distance by the nearest one above it (Malzer and Baum, 2019). Distances are
 * 1 / λ, as in the reference, which need not be the distance that λ was computed from.
 */
function joinBelow(epsilon: number, tree: CondensedTree, chosen: Uint8Array, allowSingle: boolean): Uint8Array {
  const { parent, birth } = tree;
  const joined = new Uint8Array(chosen.length);
  // From here on the way up is known, and where it ends is chosen.
  const seen = new Uint8Array(chosen.length);
  for (let cluster = 1; cluster < chosen.length; cluster++) {
    if (chosen[cluster] === 0) continue;
    if (1 / birth[cluster]! >= epsilon) {
      joined[cluster] = 1;
      continue;
    }
    for (let at = cluster; seen[at] === 0; at = parent[at]!) {
      seen[at] = 1;
      const above = parent[at]!;
      if (above === 0) {
        joined[allowSingle ? 0 : at] = 1;
        break;
      }
      if (1 / birth[above]! > epsilon) {
        joined[above] = 1;
        break;
      }
    }
  }
  return joined;
}
