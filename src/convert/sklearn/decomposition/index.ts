import type { EstimatorConverter } from '../converter.js';
import { factorAnalysis } from './factor-analysis.js';
import { fastIca } from './fast-ica.js';
import { latentDirichletAllocation } from './latent-dirichlet-allocation.js';
import { nmf } from './nmf.js';
import { pca } from './pca.js';
import { truncatedSvd } from './truncated-svd.js';

export const decompositionConverters: readonly EstimatorConverter[] = [
  pca('sklearn.decomposition._pca.PCA', [
    ...['n_components', 'copy', 'whiten', 'svd_solver', 'tol', 'iterated_power', 'n_oversamples'],
    ...['power_iteration_normalizer', 'random_state'],
  ]),
  pca('sklearn.decomposition._incremental_pca.IncrementalPCA', ['n_components', 'whiten', 'copy', 'batch_size']),
  truncatedSvd,
  fastIca,
  factorAnalysis,
  nmf,
  latentDirichletAllocation,
];
