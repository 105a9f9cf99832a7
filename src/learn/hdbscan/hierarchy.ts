import { Groups, type Hierarchy } from './groups.js';
import { type Edges, part, sortEdges } from './spanning-tree.js';

/**
 * Merges the ends of the edges of a spanning tree, given in the order of time, by weight, then distance, then time.
 *
 * To take all edges in that order jumps all over time with each of them, and then memory, not the processor, is what
 * takes the time. So they are taken block by block of points as far as that makes no difference: an edge waits when
 * another one that waits, or that leads out of the block, touches one of its groups and weighs no more. What has waited is
 * merged at the end, in order.
 */
export function hierarchyOf(edges: Edges, x: Float64Array, minClusterSize: number, block = 1 << 14): Hierarchy {
  const { left, right, weight } = edges;
  const groups = new Groups(x.length, minClusterSize);
  let waiting = 0;
  for (let from = 0, end = block; from < weight.length; end += block) {
    let to = from;
    for (; to < weight.length && left[to]! < end; to++) {
      if (right[to]! >= end) groups.block(left[to]!, right[to]!, weight[to]!);
    }
    sortEdges(part(edges, from, to), x);
    for (; from < to; from++) {
      if (groups.mergeUnlessBlocked(left[from]!, right[from]!, weight[from]!)) continue;
      left[waiting] = left[from]!;
      right[waiting] = right[from]!;
      weight[waiting++] = weight[from]!;
    }
  }
  // Of equal weight and distance, they are in the order of time: in each block, and blocks are in that order.
  sortEdges(part(edges, 0, waiting), x);
  for (let edge = 0; edge < waiting; edge++) groups.merge(left[edge]!, right[edge]!, weight[edge]!);
  return groups.hierarchy();
}
