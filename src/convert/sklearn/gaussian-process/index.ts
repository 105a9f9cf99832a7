import type { EstimatorConverter } from '../converter.js';
import { binaryLaplace } from './binary-laplace.js';
import { gaussianProcessClassifier } from './gaussian-process-classifier.js';
import { gaussianProcessRegressor } from './gaussian-process-regressor.js';

export const gaussianProcessConverters: readonly EstimatorConverter[] = [
  gaussianProcessRegressor,
  gaussianProcessClassifier,
  binaryLaplace,
];
