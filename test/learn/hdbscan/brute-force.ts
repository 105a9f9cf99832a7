import type { HdbscanOptions } from '../../../src/learn/hdbscan/index.js';

/** HDBSCAN as its definition reads, in O(n² log n), with sets and recursion: to compare with, on small inputs. */
interface Node {
  readonly points: readonly number[];
  readonly lambda: number;
  readonly parts: readonly Node[];
}

interface Cluster {
  readonly points: readonly number[];
  readonly birth: number;
  readonly parent: Cluster | undefined;
  readonly parts: Cluster[];
  /** Where each point that does not go into a part leaves. */
  readonly leaves: Map<number, number>;
  stability: number;
  death: number;
}

export function bruteForce(points: readonly number[], options: HdbscanOptions) {
  const { minClusterSize = 5, minSamples = minClusterSize, clusterSelectionMethod = 'eom' } = options;
  const { clusterSelectionEpsilon: epsilon = 0, allowSingleCluster = false, maxClusterSize = 0 } = options;
  const root = clusterOf(hierarchy(points, minSamples), 0, undefined, minClusterSize);
  let chosen =
    clusterSelectionMethod === 'leaf'
      ? descendants(root).filter((cluster) => cluster !== root && cluster.parts.length === 0)
      : mostExcess(root, allowSingleCluster, maxClusterSize || Number.POSITIVE_INFINITY).chosen;
  if (epsilon > 0 && root.parts.length > 0 && !chosen.includes(root)) {
    chosen = [...new Set(chosen.map((cluster) => joined(cluster, epsilon, allowSingleCluster)))];
  }

  const time = points.map((_, i) => i).sort((a, b) => points[a]! - points[b]! || a - b);
  const labels = points.map(() => -1);
  const probabilities = points.map(() => 0);
  const numbers = new Map<Cluster, number>();
  for (const point of time) {
    let last = root;
    for (;;) {
      const part = last.parts.find((cluster) => cluster.points.includes(point));
      if (part === undefined) break;
      last = part;
    }
    const lambda = last.leaves.get(point)!;
    let own: Cluster | undefined = last;
    while (own !== undefined && !chosen.includes(own)) own = own.parent;
    if (own === undefined) continue;
    if (own === root && (chosen.length > 1 || lambda < (epsilon > 0 ? 1 / epsilon : root.death))) continue;
    if (!numbers.has(own)) numbers.set(own, numbers.size);
    labels[point] = numbers.get(own)!;
    probabilities[point] = lambda === Number.POSITIVE_INFINITY ? 1 : Math.min(lambda, own.death) / own.death;
  }
  return { labels, probabilities };
}

/** Kruskal on every pair, by mutual reachability, then distance, then time. */
function hierarchy(points: readonly number[], minSamples: number): Node {
  const distance = (a: number, b: number) => Math.abs(points[a]! - points[b]!);
  const core = points.map((_, a) => {
    const others = points.flatMap((_, b) => (a === b ? [] : [distance(a, b)])).sort((x, y) => x - y);
    return others[Math.min(minSamples, others.length) - 1]!;
  });
  const pairs = points.flatMap((_, a) =>
    points.flatMap((_, b) => {
      const follows = points[a]! < points[b]! || (points[a] === points[b] && a < b);
      return follows ? [{ a, b, weight: Math.max(distance(a, b), core[a]!, core[b]!), distance: distance(a, b) }] : [];
    }),
  );
  pairs.sort(
    (p, q) => p.weight - q.weight || p.distance - q.distance || points[p.a]! - points[q.a]! || p.a - q.a || p.b - q.b,
  );
  const nodes: Node[] = points.map((_, point) => ({ points: [point], lambda: Number.POSITIVE_INFINITY, parts: [] }));
  for (const { a, b, weight } of pairs) {
    const [first, second] = [nodes[a]!, nodes[b]!];
    if (first === second) continue;
    const merged = { points: [...first.points, ...second.points], lambda: 1 / weight, parts: [first, second] };
    for (const point of merged.points) nodes[point] = merged;
  }
  return nodes[0]!;
}

function clusterOf(top: Node, birth: number, parent: Cluster | undefined, least: number): Cluster {
  const cluster: Cluster = { points: top.points, birth, parent, parts: [], leaves: new Map(), stability: 0, death: 0 };
  for (let node: Node | undefined = top; node !== undefined; ) {
    const { lambda }: Node = node;
    const large: readonly Node[] = node.parts.filter((part) => part.points.length >= least);
    cluster.death = lambda;
    for (const part of node.parts.filter((other) => !large.includes(other))) {
      for (const point of part.points) {
        cluster.leaves.set(point, lambda);
        cluster.stability += lambda - birth;
      }
    }
    if (large.length === 2) {
      for (const part of large) {
        cluster.stability += (lambda - birth) * part.points.length;
        cluster.parts.push(clusterOf(part, lambda, cluster, least));
      }
    }
    node = large.length === 1 ? large[0] : undefined;
  }
  return cluster;
}

const descendants = (cluster: Cluster): Cluster[] => [cluster, ...cluster.parts.flatMap(descendants)];

/** The sum of the parts is in single precision, as the reference has it. */
function mostExcess(cluster: Cluster, allowSingle: boolean, most: number): { stability: number; chosen: Cluster[] } {
  const parts = cluster.parts.map((part) => mostExcess(part, allowSingle, most));
  const below = parts.reduce((sum, part) => Math.fround(sum + part.stability), 0);
  const root = cluster.parent === undefined;
  const points = root && parts.length === 0 ? 0 : cluster.points.length - (root ? cluster.leaves.size : 0);
  if (below > cluster.stability || points > most || (root && !allowSingle)) {
    return { stability: below, chosen: parts.flatMap(({ chosen }) => chosen) };
  }
  return { stability: cluster.stability, chosen: [cluster] };
}

function joined(cluster: Cluster, epsilon: number, allowSingle: boolean): Cluster {
  if (1 / cluster.birth >= epsilon) return cluster;
  let at = cluster;
  for (;;) {
    const above = at.parent!;
    if (above.parent === undefined) return allowSingle ? above : at;
    if (1 / above.birth > epsilon) return above;
    at = above;
  }
}
