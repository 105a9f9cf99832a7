import type { Edges } from './spanning-tree.js';

/**
 * Single linkage: nodes 0 to points − 1 are the points, node points + k is the kth merge. Children have smaller numbers
 * than their parents, the last node is the root.
 */
export interface Dendrogram {
  readonly points: number;
  /** [points − 1] children of the merges */
  readonly first: Uint32Array;
  readonly second: Uint32Array;
  /** [points − 1] points under a merge */
  readonly size: Uint32Array;
  /** [points − 1] distance at which it happens, ascending */
  readonly distance: Float64Array;
}

/** Merges the ends of the edges of a spanning tree, in their order: union-find by size, with halved paths. */
export function dendrogramOf({ left, right, weight }: Edges): Dendrogram {
  const merges = weight.length;
  const points = merges + 1;
  const parent = Uint32Array.from({ length: points }, (_, i) => i);
  const node = parent.slice();
  const first = new Uint32Array(merges);
  const second = new Uint32Array(merges);
  const size = new Uint32Array(merges);

  const find = (point: number): number => {
    let at = point;
    while (parent[at] !== at) at = parent[at] = parent[parent[at]!]!;
    return at;
  };
  const sizeOf = (at: number): number => (at < points ? 1 : size[at - points]!);

  for (let merge = 0; merge < merges; merge++) {
    const a = find(left[merge]!);
    const b = find(right[merge]!);
    first[merge] = node[a]!;
    second[merge] = node[b]!;
    const sizeA = sizeOf(node[a]!);
    const sizeB = sizeOf(node[b]!);
    size[merge] = sizeA + sizeB;
    const [top, under] = sizeA < sizeB ? [b, a] : [a, b];
    parent[under] = top;
    node[top] = points + merge;
  }
  return { points, first, second, size, distance: weight };
}
