import type { EstimatorConverter } from '../converter.js';
import { extraTreesClassifier, extraTreesRegressor, randomForestClassifier, randomForestRegressor } from './forest.js';
import { gradientBoostingClassifier, gradientBoostingRegressor } from './gradient-boosting.js';
import { histGradientBoostingClassifier, histGradientBoostingRegressor } from './hist-gradient-boosting.js';

export const ensembleConverters: readonly EstimatorConverter[] = [
  randomForestClassifier,
  randomForestRegressor,
  extraTreesClassifier,
  extraTreesRegressor,
  gradientBoostingClassifier,
  gradientBoostingRegressor,
  histGradientBoostingClassifier,
  histGradientBoostingRegressor,
];
