import type { Edges } from './spanning-tree.js';

/**
 * Single linkage, of groups that are large enough to be a cluster: the merges that make a group of at least so many
 * points, in their order, and the last in any case. Of smaller groups nothing is asked but where their points go.
 * λ is one by the distance, infinite at distance 0.
 */
export interface Hierarchy {
  /** [merges] the earlier merge that made a side, −1 where the side is a smaller group. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** [merges] points in the group */
  readonly size: Uint32Array;
  /** [merges] those of them that come from smaller groups */
  readonly joining: Uint32Array;
  /** [merges] descending */
  readonly lambda: Float64Array;
  /** [points] the merge at which each is in such a group for the first time */
  readonly joined: Uint32Array;
}

/** Merges the ends of the edges of a spanning tree, in their order: union-find by size, with halved paths. */
export function hierarchyOf({ left, right, weight }: Edges, minClusterSize: number): Hierarchy {
  const edges = weight.length;
  const points = edges + 1;
  const first = new Int32Array(edges);
  const second = new Int32Array(edges);
  const size = new Uint32Array(edges);
  const joining = new Uint32Array(edges);
  const lambda = new Float64Array(edges);
  const joined = new Uint32Array(points);
  let merges = 0;

  // Of every point two numbers, side by side since they are looked up together. The point above it in the union-find, or
  // minus the size of the group that it represents. The next point of its group, in a ring, while the group is small; the
  // last merge of the group where it represents a larger one.
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
  const join = (group: number): void => {
    let point = group;
    do {
      joined[point] = merges;
      point = groups[2 * point + 1]!;
    } while (point !== group);
  };

  for (let edge = 0; edge < edges; edge++) {
    const a = find(left[edge]!);
    const b = find(right[edge]!);
    const sizeA = -groups[2 * a]!;
    const sizeB = -groups[2 * b]!;
    const total = sizeA + sizeB;
    const top = sizeA < sizeB ? b : a;
    const besideA = groups[2 * a + 1]!;
    const besideB = groups[2 * b + 1]!;
    if (total < minClusterSize && edge < edges - 1) {
      // One ring out of two.
      groups[2 * a + 1] = besideB;
      groups[2 * b + 1] = besideA;
    } else {
      const largeA = sizeA >= minClusterSize;
      const largeB = sizeB >= minClusterSize;
      if (!largeA) join(a);
      if (!largeB) join(b);
      first[merges] = largeA ? besideA : -1;
      second[merges] = largeB ? besideB : -1;
      size[merges] = total;
      joining[merges] = (largeA ? 0 : sizeA) + (largeB ? 0 : sizeB);
      lambda[merges] = weight[edge]! > 0 ? 1 / weight[edge]! : Number.POSITIVE_INFINITY;
      groups[2 * top + 1] = merges++;
    }
    groups[2 * (a + b - top)] = top;
    groups[2 * top] = -total;
  }
  return {
    first: first.subarray(0, merges),
    second: second.subarray(0, merges),
    size: size.subarray(0, merges),
    joining: joining.subarray(0, merges),
    lambda: lambda.subarray(0, merges),
    joined,
  };
}
