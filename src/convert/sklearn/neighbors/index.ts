import type { EstimatorConverter } from '../converter.js';
import { kNeighborsClassifier } from './k-neighbors-classifier.js';
import { kNeighborsRegressor } from './k-neighbors-regressor.js';

export const neighborConverters: readonly EstimatorConverter[] = [kNeighborsClassifier, kNeighborsRegressor];
