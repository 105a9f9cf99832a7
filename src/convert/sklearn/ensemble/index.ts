import type { EstimatorConverter } from '../converter.js';
import { adaBoostClassifier, adaBoostRegressor } from './ada-boost.js';
import { baggingClassifier, baggingRegressor } from './bagging.js';
import { extraTreesClassifier, extraTreesRegressor, randomForestClassifier, randomForestRegressor } from './forest.js';
import { gradientBoostingClassifier, gradientBoostingRegressor } from './gradient-boosting.js';
import { histGradientBoostingClassifier, histGradientBoostingRegressor } from './hist-gradient-boosting.js';
import { isolationForest } from './isolation-forest.js';
import { randomTreesEmbedding } from './random-trees-embedding.js';
import { stackingClassifier, stackingRegressor } from './stacking.js';
import { votingClassifier, votingRegressor } from './voting.js';

export const ensembleConverters: readonly EstimatorConverter[] = [
  randomForestClassifier,
  randomForestRegressor,
  extraTreesClassifier,
  extraTreesRegressor,
  randomTreesEmbedding,
  isolationForest,
  gradientBoostingClassifier,
  gradientBoostingRegressor,
  histGradientBoostingClassifier,
  histGradientBoostingRegressor,
  adaBoostClassifier,
  adaBoostRegressor,
  baggingClassifier,
  baggingRegressor,
  votingClassifier,
  votingRegressor,
  stackingClassifier,
  stackingRegressor,
];
