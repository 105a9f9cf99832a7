import { scratch } from './scratch.js';
import { stableSort } from './stable-sort.js';

/** Edges between points, which are named by their place in time; no objects, since there are as many as points. */
export interface Edges {
  /** [edges] the earlier point */
  readonly left: Uint32Array;
  /** [edges] the later point */
  readonly right: Uint32Array;
  /** [edges] mutual reachability distance */
  readonly weight: Float64Array;
}

/**
 * The distance of every point to its `neighbours`th nearest other. `x` [points] is ascending; 1 ≤ neighbours < points.
 * The nearest lie in a window around the point, which moves to the right as the point does.
 */
export function coreDistances(x: Float64Array, neighbours: number): Float64Array {
  const core = scratch.float64(x.length);
  let from = 0;
  for (let i = 0; i < x.length; i++) {
    const at = x[i]!;
    while (from + neighbours + 1 < x.length && x[from + neighbours + 1]! - at < at - x[from]!) from++;
    core[i] = Math.max(at - x[from]!, x[from + neighbours]! - at);
  }
  return core;
}

/**
 * The minimum spanning tree of the mutual reachability graph, max(core a, core b, |a − b|) for every pair; of trees of
 * equal weight the one that takes the shorter, then the earlier pairs. Edges come in the order of their earlier points.
 * `x` [points] is ascending, points ≥ 1.
 *
 * A pair with a point between them whose core distance is no larger than that of one of both is never in the tree: both
 * ways over that point weigh no more and are shorter. What is left are the pairs that become neighbours while points are
 * removed by descending core distance, fewer than two a point. Removing a point closes a triangle with its neighbours:
 * the lighter of its two edges is in the tree, since nothing else leads to it any more; the heavier only matters as a way
 * between the neighbours, in competition with their own edge. So no graph is sorted for its tree.
 */
export function spanningTree(x: Float64Array, core: Float64Array): Edges {
  const { left, right } = byTime(removePoints(x, core));
  const weight = scratch.float64(left.length);
  for (let edge = 0; edge < weight.length; edge++) {
    const a = left[edge]!;
    const b = right[edge]!;
    weight[edge] = Math.max(x[b]! - x[a]!, core[a]!, core[b]!);
  }
  return { left, right, weight };
}

/** The edges from `from` to `to`, the latter excluded, on the same memory. */
export function part({ left, right, weight }: Edges, from: number, to: number): Edges {
  return { left: left.subarray(from, to), right: right.subarray(from, to), weight: weight.subarray(from, to) };
}

/** Sorts edges, in place, from the order of time to the order in which they merge: by weight, then distance, then time. */
export function sortEdges({ left, right, weight }: Edges, x: Float64Array): void {
  stableSort(weight, left, right);
  for (let edge = 0; edge < weight.length; ) {
    let end = edge + 1;
    while (end < weight.length && weight[end] === weight[edge]) end++;
    if (end - edge > 1) sortByDistance(left, right, edge, end, x);
    edge = end;
  }
}

/** Sorts some edges of equal weight; nearly always there are two or three. */
function sortByDistance(left: Uint32Array, right: Uint32Array, from: number, to: number, x: Float64Array): void {
  const distanceOf = (edge: number): number => x[right[edge]!]! - x[left[edge]!]!;
  if (to - from === 2) {
    if (distanceOf(from) <= distanceOf(from + 1)) return;
    const [a, b] = [left[from]!, right[from]!];
    left[from] = left[from + 1]!;
    right[from] = right[from + 1]!;
    left[from + 1] = a;
    right[from + 1] = b;
    return;
  }
  const distance = scratch.float64(to - from);
  for (let edge = from; edge < to; edge++) distance[edge - from] = distanceOf(edge);
  stableSort(distance, left.subarray(from, to), right.subarray(from, to));
}

/**
 * A stack holds the points that are not removed, core distances ascending. A point is removed when one with a smaller core
 * distance comes from the right: then both its neighbours are known.
 */
function removePoints(x: Float64Array, core: Float64Array): { left: Uint32Array; right: Uint32Array } {
  const points = x.length;
  const left = scratch.uint32(points - 1);
  const right = scratch.uint32(points - 1);
  let edges = 0;
  const stack = scratch.uint32(points);
  // The lightest way found so far from each point on the stack to the one below it: its heaviest edge.
  const fromLeft = scratch.uint32(points);
  const fromRight = scratch.uint32(points);
  let depth = 0;

  const before = (a: number, b: number, c: number, d: number): boolean => {
    const near = x[b]! - x[a]!;
    const far = x[d]! - x[c]!;
    const weight = Math.max(near, core[a]!, core[b]!);
    const other = Math.max(far, core[c]!, core[d]!);
    return weight !== other ? weight < other : near !== far ? near < far : a !== c ? a < c : b < d;
  };
  const keep = (a: number, b: number): void => {
    left[edges] = a;
    right[edges++] = b;
  };

  for (let point = 0; point < points; point++) {
    // The way from the top of the stack to this point.
    let a = depth > 0 ? stack[depth - 1]! : point;
    let b = point;
    while (depth > 0 && core[point]! < core[stack[depth - 1]!]!) {
      depth--;
      if (depth === 0) {
        keep(a, b);
        break;
      }
      const c = fromLeft[depth]!;
      const d = fromRight[depth]!;
      if (before(a, b, c, d)) {
        keep(a, b);
        a = c;
        b = d;
      } else {
        keep(c, d);
      }
      const below = stack[depth - 1]!;
      if (before(below, point, a, b)) {
        a = below;
        b = point;
      }
    }
    stack[depth] = point;
    fromLeft[depth] = a;
    fromRight[depth++] = b;
  }
  while (--depth > 0) keep(fromLeft[depth]!, fromRight[depth]!);
  return { left, right };
}

/** The edges in the order of their earlier points, by counting. */
function byTime({ left, right }: Pick<Edges, 'left' | 'right'>): { left: Uint32Array; right: Uint32Array } {
  const edges = left.length;
  const places = scratch.uint32(edges + 1);
  for (let edge = 0; edge < edges; edge++) places[left[edge]!]!++;
  let sum = 0;
  for (let point = 0; point <= edges; point++) {
    const count = places[point]!;
    places[point] = sum;
    sum += count;
  }
  const ordered = { left: scratch.uint32(edges), right: scratch.uint32(edges) };
  for (let edge = 0; edge < edges; edge++) {
    const at = places[left[edge]!]!++;
    ordered.left[at] = left[edge]!;
    ordered.right[at] = right[edge]!;
  }
  return ordered;
}
