import type { EstimatorConverter } from '../converter.js';
import { extraTreesClassifier, extraTreesRegressor, randomForestClassifier, randomForestRegressor } from './forest.js';

export const ensembleConverters: readonly EstimatorConverter[] = [
  randomForestClassifier,
  randomForestRegressor,
  extraTreesClassifier,
  extraTreesRegressor,
];
