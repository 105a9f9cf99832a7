import type { Edges } from './spanning-tree.js';

/**
 * Single linkage: nodes 0 to points − 1 are the points, node points + k is the kth merge. Children have smaller numbers
 * than their parents, the last node is the root.
 */
export interface Dendrogram {
  readonly points: number;
  /** [points − 1] the two nodes that merge */
  readonly first: Uint32Array;
  readonly second: Uint32Array;
  /** [points − 1] points under each of them */
  readonly firstSize: Uint32Array;
  readonly secondSize: Uint32Array;
  /** [points − 1] distance at which they merge, ascending */
  readonly distance: Float64Array;
}

/** Merges the ends of the edges of a spanning tree, in their order: union-find by size, with halved paths. */
export function dendrogramOf({ left, right, weight }: Edges): Dendrogram {
  const merges = weight.length;
  const points = merges + 1;
  const made = {
    first: new Uint32Array(merges),
    second: new Uint32Array(merges),
    firstSize: new Uint32Array(merges),
    secondSize: new Uint32Array(merges),
  };
  // Of every point two numbers, side by side since they are looked up together: the point above it, or minus the size
  // of the group that it represents; and the node of that group.
  const groups = new Int32Array(2 * points);
  for (let point = 0; point < points; point++) {
    groups[2 * point] = -1;
    groups[2 * point + 1] = point;
  }
  const find = (point: number): number => {
    let at = point;
    for (;;) {
      const above = groups[2 * at]!;
      if (above < 0) return at;
      const next = groups[2 * above]!;
      if (next < 0) return above;
      groups[2 * at] = next;
      at = next;
    }
  };

  for (let merge = 0; merge < merges; merge++) {
    const a = find(left[merge]!);
    const b = find(right[merge]!);
    const firstSize = -groups[2 * a]!;
    const secondSize = -groups[2 * b]!;
    made.first[merge] = groups[2 * a + 1]!;
    made.second[merge] = groups[2 * b + 1]!;
    made.firstSize[merge] = firstSize;
    made.secondSize[merge] = secondSize;
    const top = firstSize < secondSize ? b : a;
    groups[2 * (top === a ? b : a)] = top;
    groups[2 * top] = -(firstSize + secondSize);
    groups[2 * top + 1] = points + merge;
  }
  return { points, ...made, distance: weight };
}
