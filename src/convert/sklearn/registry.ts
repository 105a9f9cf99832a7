import { lightgbmConverters } from '../lightgbm/wrappers.js';
import { xgboostConverters } from '../xgboost/wrappers.js';
import { calibrationConverters } from './calibration/index.js';
import { clusterConverters } from './cluster/index.js';
import { composeConverters } from './compose/index.js';
import type { EstimatorConverter } from './converter.js';
import { covarianceConverters } from './covariance/index.js';
import { crossDecompositionConverters } from './cross-decomposition/index.js';
import { decompositionConverters } from './decomposition/index.js';
import { discriminantConverters } from './discriminant/index.js';
import { dummyConverters } from './dummy/index.js';
import { ensembleConverters } from './ensemble/index.js';
import { featureSelectionConverters } from './feature-selection/index.js';
import { gaussianProcessConverters } from './gaussian-process/index.js';
import { imputeConverters } from './impute/index.js';
import { isotonicConverters } from './isotonic/index.js';
import { kernelApproximationConverters } from './kernel-approximation/index.js';
import { kernelRidgeConverters } from './kernel-ridge/index.js';
import { linearConverters } from './linear/index.js';
import { metaConverters } from './meta/index.js';
import { mixtureConverters } from './mixture/index.js';
import { bayesConverters } from './naive-bayes/index.js';
import { neighborConverters } from './neighbors/index.js';
import { neuralNetworkConverters } from './neural-network/index.js';
import { pipeline } from './pipeline.js';
import { preprocessingConverters } from './preprocessing/index.js';
import { semiSupervisedConverters } from './semi-supervised/index.js';
import { svmConverters } from './svm/index.js';
import { textConverters } from './text/index.js';
import { treeConverters } from './tree/index.js';

/** Every estimator that converts, by area; an area with many has a list of its own in its folder's `index.ts`. */
const converters: readonly EstimatorConverter[] = [
  pipeline,
  ...composeConverters,
  // Preprocessing
  ...preprocessingConverters,
  ...imputeConverters,
  ...featureSelectionConverters,
  // Linear models
  ...linearConverters,
  ...svmConverters,
  ...kernelRidgeConverters,
  ...isotonicConverters,
  ...gaussianProcessConverters,
  ...dummyConverters,
  ...crossDecompositionConverters,
  ...calibrationConverters,
  ...neuralNetworkConverters,
  ...discriminantConverters,
  ...bayesConverters,
  // Trees, ensembles of any estimators, estimators made of others
  ...treeConverters,
  ...ensembleConverters,
  ...metaConverters,
  ...semiSupervisedConverters,
  // Texts
  ...textConverters,
  // Neighbours, clusters, mixtures, decomposition
  ...neighborConverters,
  ...clusterConverters,
  ...mixtureConverters,
  ...decompositionConverters,
  ...covarianceConverters,
  ...kernelApproximationConverters,
  // Boosting of other libraries
  ...xgboostConverters,
  ...lightgbmConverters,
];

/** Indexes converters by class name; two that claim one class are a mistake of ours. */
export function registerEstimators(list: readonly EstimatorConverter[]): ReadonlyMap<string, EstimatorConverter> {
  const registry = new Map<string, EstimatorConverter>();
  for (const converter of list) {
    if (registry.has(converter.className)) {
      throw new Error(`Two converters claim the estimator ${converter.className}.`);
    }
    registry.set(converter.className, converter);
  }
  return registry;
}

export const estimatorRegistry = registerEstimators(converters);
