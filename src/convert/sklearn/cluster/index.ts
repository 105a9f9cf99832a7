import type { EstimatorConverter } from '../converter.js';
import { birch } from './birch.js';
import { bisectingKMeans } from './bisecting-k-means.js';
import { featureAgglomeration } from './feature-agglomeration.js';
import { kMeans } from './k-means.js';
import { nearestCenter } from './nearest-center.js';

export const clusterConverters: readonly EstimatorConverter[] = [
  kMeans('sklearn.cluster._kmeans.KMeans', [
    ...['n_clusters', 'init', 'n_init', 'max_iter', 'tol', 'verbose', 'random_state', 'copy_x', 'algorithm'],
    ...['n_jobs', 'precompute_distances'],
  ]),
  kMeans('sklearn.cluster._kmeans.MiniBatchKMeans', [
    ...['n_clusters', 'init', 'n_init', 'max_iter', 'tol', 'verbose', 'random_state', 'copy_x', 'algorithm'],
    ...['batch_size', 'compute_labels', 'max_no_improvement', 'init_size', 'reassignment_ratio'],
    ...['n_jobs', 'precompute_distances'],
  ]),
  bisectingKMeans,
  birch,
  featureAgglomeration,
  nearestCenter('sklearn.cluster._mean_shift.MeanShift', [
    ...['bandwidth', 'seeds', 'bin_seeding', 'min_bin_freq', 'cluster_all', 'n_jobs', 'max_iter'],
  ]),
  nearestCenter('sklearn.cluster._affinity_propagation.AffinityPropagation', [
    ...['damping', 'max_iter', 'convergence_iter', 'copy', 'preference', 'affinity', 'verbose', 'random_state'],
  ]),
];
