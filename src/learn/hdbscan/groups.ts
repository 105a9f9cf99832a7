import { scratch } from './scratch.js';

/**
 * Single linkage, of groups that are large enough to be a cluster: the merges that make a group of at least so many
 * points, each after those that made its sides, and the last in any case. Of smaller groups nothing is asked but where their points go.
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
  /** [merges] */
  readonly lambda: Float64Array;
  /** [points] the merge at which each is in such a group for the first time */
  readonly joined: Uint32Array;
}

/** The groups that merge: a union-find by size, with halved paths, which records the hierarchy. */
export class Groups {
  // Of every point two numbers, side by side since they are looked up together. The point above it in the union-find, or
  // minus the size of the group that it represents. The next point of its group, in a ring, while the group is small; the
  // last merge of the group where it represents a larger one.
  private readonly nodes: Int32Array;
  /** Of the point that represents a group: the least weight of an edge that touches it and has to wait. */
  private readonly barrier: Float64Array;
  private readonly first: Int32Array;
  private readonly second: Int32Array;
  private readonly size: Uint32Array;
  private readonly joining: Uint32Array;
  private readonly lambda: Float64Array;
  private readonly joined: Uint32Array;
  private merges = 0;

  constructor(
    private readonly points: number,
    private readonly minClusterSize: number,
  ) {
    this.nodes = scratch.int32(2 * points);
    for (let point = 0; point < points; point++) {
      this.nodes[2 * point] = -1;
      this.nodes[2 * point + 1] = point;
    }
    this.barrier = scratch.float64(points).fill(Number.POSITIVE_INFINITY);
    this.first = scratch.int32(points - 1);
    this.second = scratch.int32(points - 1);
    this.size = scratch.uint32(points - 1);
    this.joining = scratch.uint32(points - 1);
    this.lambda = scratch.float64(points - 1);
    this.joined = scratch.uint32(points);
  }

  /** The edge between two points has to wait. */
  block(left: number, right: number, weight: number): void {
    this.lower(this.find(left), weight);
    this.lower(this.find(right), weight);
  }

  /** Merges the groups of two points, or answers false where something lighter, or as light, waits at one of them. */
  mergeUnlessBlocked(left: number, right: number, weight: number): boolean {
    const { barrier } = this;
    const a = this.find(left);
    const b = this.find(right);
    if (weight >= barrier[a]! || weight >= barrier[b]!) {
      this.lower(a, weight);
      this.lower(b, weight);
      return false;
    }
    const least = Math.min(barrier[a]!, barrier[b]!);
    barrier[a] = least;
    barrier[b] = least;
    this.union(a, b, weight);
    return true;
  }

  merge(left: number, right: number, weight: number): void {
    this.union(this.find(left), this.find(right), weight);
  }

  hierarchy(): Hierarchy {
    const { merges, joined } = this;
    return {
      first: this.first.subarray(0, merges),
      second: this.second.subarray(0, merges),
      size: this.size.subarray(0, merges),
      joining: this.joining.subarray(0, merges),
      lambda: this.lambda.subarray(0, merges),
      joined,
    };
  }

  private lower(group: number, weight: number): void {
    if (weight < this.barrier[group]!) this.barrier[group] = weight;
  }

  private find(point: number): number {
    const { nodes } = this;
    let at = point;
    for (;;) {
      const above = nodes[2 * at]!;
      if (above < 0) return at;
      const next = nodes[2 * above]!;
      if (next < 0) return above;
      nodes[2 * at] = next;
      at = next;
    }
  }

  private union(a: number, b: number, weight: number): void {
    const { nodes, minClusterSize, merges } = this;
    const sizeA = -nodes[2 * a]!;
    const sizeB = -nodes[2 * b]!;
    const total = sizeA + sizeB;
    const top = sizeA < sizeB ? b : a;
    const besideA = nodes[2 * a + 1]!;
    const besideB = nodes[2 * b + 1]!;
    if (total < minClusterSize && total < this.points) {
      // One ring out of two.
      nodes[2 * a + 1] = besideB;
      nodes[2 * b + 1] = besideA;
    } else {
      const largeA = sizeA >= minClusterSize;
      const largeB = sizeB >= minClusterSize;
      if (!largeA) this.join(a);
      if (!largeB) this.join(b);
      this.first[merges] = largeA ? besideA : -1;
      this.second[merges] = largeB ? besideB : -1;
      this.size[merges] = total;
      this.joining[merges] = (largeA ? 0 : sizeA) + (largeB ? 0 : sizeB);
      this.lambda[merges] = weight > 0 ? 1 / weight : Number.POSITIVE_INFINITY;
      nodes[2 * top + 1] = merges;
      this.merges++;
    }
    nodes[2 * (a + b - top)] = top;
    nodes[2 * top] = -total;
  }

  /** The points of a small group come into a larger one. */
  private join(group: number): void {
    const { nodes, joined, merges } = this;
    let point = group;
    do {
      joined[point] = merges;
      point = nodes[2 * point + 1]!;
    } while (point !== group);
  }
}
