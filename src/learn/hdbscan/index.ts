import { VitrinaError } from '../../errors.js';
import { type CondensedTree, condense } from './condensed-tree.js';
import { hierarchyOf } from './hierarchy.js';
import { scratch } from './scratch.js';
import { select } from './selection.js';
import { coreDistances, spanningTree } from './spanning-tree.js';
import { stableSort } from './stable-sort.js';

/** As Python's `hdbscan.HDBSCAN` has them, with its defaults. */
export interface HdbscanOptions {
  /** The least points of a cluster, a whole number from 2 on; 5. */
  readonly minClusterSize?: number | undefined;
  /** The neighbours that a core distance reaches over, a whole number from 1 on; `minClusterSize`. */
  readonly minSamples?: number | undefined;
  /** The clusters with most excess of mass, or the smallest ones; `eom`. */
  readonly clusterSelectionMethod?: 'eom' | 'leaf' | undefined;
  /** Clusters that part at a smaller distance stay one, in the unit of the points; 0, which joins none. */
  readonly clusterSelectionEpsilon?: number | undefined;
  /** Whether all points may be one cluster; false. */
  readonly allowSingleCluster?: boolean | undefined;
  /** With `eom`, the most points of a cluster; 0, which is no limit. */
  readonly maxClusterSize?: number | undefined;
}

export interface Clustering {
  /** [points] the cluster of each, 0 for the one that begins first and so on in time; −1 for noise. */
  readonly labels: Int32Array;
  /** [points] how firmly each is in its cluster, 0 (noise) to 1. */
  readonly probabilities: Float64Array;
  readonly clusters: number;
}

/**
 * HDBSCAN of points on a line, such as timestamps: what Python's `hdbscan` 0.8.44 computes, exactly, in O(n log n) time
 * and O(n) memory. `points` are finite, in any order and unit; fewer than two have no clusters.
 *
 * Merges of equal weight happen in the order of distance, then of time, so that the answer does not depend on the order
 * of the points, and equal points are always in one cluster. The reference leaves that order to its algorithm; where it
 * depends on it, ours is one of the answers that the definition allows. Clusters are numbered by time; the reference's
 * numbers depend on its algorithm even where its clusters do not.
 *
 * Sources: Campello, Moulavi and Sander, "Density-Based Clustering Based on Hierarchical Density Estimates" (2013);
 * McInnes and Healy, "Accelerated Hierarchical Density Based Clustering" (2017); hdbscan/_hdbscan_tree.pyx.
 * @throws clustering-option-invalid, clustering-point-invalid
 */
export function hdbscan(points: ArrayLike<number>, options: HdbscanOptions = {}): Clustering {
  const { minClusterSize, minSamples, selection } = checked(options);
  const count = points.length;
  const labels = new Int32Array(count).fill(-1);
  const probabilities = new Float64Array(count);
  scratch.begin();
  const { order, x } = sorted(points);
  if (count < 2) return { labels, probabilities, clusters: 0 };

  const core = coreDistances(x, Math.min(minSamples, count - 1));
  const hierarchy = hierarchyOf(spanningTree(x, core), x, minClusterSize);
  const tree = condense(hierarchy);
  const chosen = select(tree, selection);
  const owner = owners(tree, chosen);
  const least = leastLambda(tree, chosen, selection.epsilon);

  const { joined, lambda: lambdas } = hierarchy;
  const { cluster: ofMerge, death: deaths } = tree;
  const numbers = scratch.int32(chosen.length).fill(-1);
  let clusters = 0;
  for (let i = 0; i < count; i++) {
    const merge = joined[i]!;
    const lambda = lambdas[merge]!;
    const cluster = owner[ofMerge[merge]!]!;
    if (cluster === -1 || (cluster === 0 && !(lambda >= least))) continue;
    if (numbers[cluster] === -1) numbers[cluster] = clusters++;
    const point = order[i]!;
    labels[point] = numbers[cluster]!;
    const death = deaths[cluster]!;
    probabilities[point] = death === 0 || !Number.isFinite(lambda) ? 1 : Math.min(lambda, death) / death;
  }
  return { labels, probabilities, clusters };
}

function checked(options: HdbscanOptions) {
  const {
    minClusterSize = 5,
    minSamples = minClusterSize,
    clusterSelectionMethod: method = 'eom',
    clusterSelectionEpsilon: epsilon = 0,
    allowSingleCluster: allowSingle = false,
    maxClusterSize = 0,
  } = options;
  const check = (option: keyof HdbscanOptions, value: unknown, valid: boolean, expected: string) => {
    if (!valid) throw new VitrinaError('clustering-option-invalid', { option, value: String(value), expected });
  };
  const whole = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;
  check('minClusterSize', minClusterSize, whole(minClusterSize, 2), 'a whole number from 2 on');
  check('minSamples', minSamples, whole(minSamples, 1), 'a whole number from 1 on');
  check('clusterSelectionMethod', method, method === 'eom' || method === 'leaf', '"eom" or "leaf"');
  check('clusterSelectionEpsilon', epsilon, typeof epsilon === 'number' && epsilon >= 0, 'a number from 0 on');
  check('allowSingleCluster', allowSingle, typeof allowSingle === 'boolean', 'true or false');
  check('maxClusterSize', maxClusterSize, whole(maxClusterSize, 0), 'a whole number from 0 on');
  const maxSize = maxClusterSize === 0 ? Number.POSITIVE_INFINITY : maxClusterSize;
  return { minClusterSize, minSamples, selection: { method, epsilon, allowSingle, maxSize } };
}

/** The points in order of time, and where each of them came from. */
function sorted(points: ArrayLike<number>): { order: Uint32Array; x: Float64Array } {
  const x = scratch.float64(points.length);
  const order = scratch.uint32(points.length);
  for (let i = 0; i < x.length; i++) {
    // + 0 makes a 0 of −0.
    x[i] = points[i]! + 0;
    order[i] = i;
    if (!Number.isFinite(x[i])) {
      throw new VitrinaError('clustering-point-invalid', { position: i, value: String(points[i]) });
    }
  }
  stableSort(x, order);
  return { order, x };
}

/** [clusters] the chosen cluster that each is or lies in, −1 where there is none. */
function owners({ parent }: CondensedTree, chosen: Uint8Array): Int32Array {
  const owner = scratch.int32(chosen.length);
  for (let cluster = 0; cluster < chosen.length; cluster++) {
    owner[cluster] = chosen[cluster] === 1 ? cluster : cluster === 0 ? -1 : owner[parent[cluster]!]!;
  }
  return owner;
}

/**
 * The least λ with which a point belongs to cluster 0, since all points lie in that: those that leave it last, or not
 * above `epsilon`. Chosen along with others, it keeps none.
 * Reference: hdbscan/_hdbscan_tree.pyx, do_labelling.
 */
function leastLambda({ death }: CondensedTree, chosen: Uint8Array, epsilon: number): number {
  if (chosen.indexOf(1, 1) !== -1) return Number.NaN;
  return epsilon === 0 ? death[0]! : 1 / epsilon;
}
