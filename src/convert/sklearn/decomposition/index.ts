import type { EstimatorConverter } from '../converter.js';
import { factorAnalysis } from './factor-analysis.js';
import { fastIca } from './fast-ica.js';
import { kernelPca } from './kernel-pca.js';
import { latentDirichletAllocation } from './latent-dirichlet-allocation.js';
import { nmf } from './nmf.js';
import { incrementalPca, pca } from './pca.js';
import { randomProjection } from './random-projection.js';
import { sparsePca } from './sparse-pca.js';
import { truncatedSvd } from './truncated-svd.js';

export const decompositionConverters: readonly EstimatorConverter[] = [
  pca,
  incrementalPca,
  truncatedSvd,
  fastIca,
  factorAnalysis,
  nmf,
  latentDirichletAllocation,
  kernelPca,
  sparsePca('sklearn.decomposition._sparse_pca.SparsePCA', ['max_iter', 'tol', 'U_init', 'V_init']),
  sparsePca('sklearn.decomposition._sparse_pca.MiniBatchSparsePCA', [
    ...['U_init', 'V_init', 'n_iter', 'max_iter', 'callback', 'batch_size', 'shuffle', 'tol', 'max_no_improvement'],
  ]),
  randomProjection('sklearn.random_projection.GaussianRandomProjection', ['dense_output']),
  randomProjection('sklearn.random_projection.SparseRandomProjection', ['density', 'dense_output']),
];
