import type { EstimatorConverter } from '../converter.js';
import { kNeighborsClassifier } from './k-neighbors-classifier.js';
import { kNeighborsRegressor } from './k-neighbors-regressor.js';
import { kernelDensity } from './kernel-density.js';
import { localOutlierFactor } from './local-outlier-factor.js';
import { nearestCentroid } from './nearest-centroid.js';
import { nearestNeighbors } from './nearest-neighbors.js';
import { neighborhoodComponentsAnalysis } from './neighborhood-components-analysis.js';
import { radiusNeighborsClassifier } from './radius-neighbors-classifier.js';
import { radiusNeighborsRegressor } from './radius-neighbors-regressor.js';

export const neighborConverters: readonly EstimatorConverter[] = [
  kNeighborsClassifier,
  kNeighborsRegressor,
  radiusNeighborsClassifier,
  radiusNeighborsRegressor,
  nearestCentroid,
  nearestNeighbors,
  localOutlierFactor,
  kernelDensity,
  neighborhoodComponentsAnalysis,
];
