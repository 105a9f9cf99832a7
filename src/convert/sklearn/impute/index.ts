import type { EstimatorConverter } from '../converter.js';
import { iterativeImputer } from './iterative-imputer.js';
import { knnImputer } from './knn-imputer.js';
import { missingIndicator } from './missing-indicator.js';
import { imputer, simpleImputer } from './simple-imputer.js';

export const imputeConverters: readonly EstimatorConverter[] = [
  simpleImputer,
  imputer,
  missingIndicator,
  knnImputer,
  iterativeImputer,
];
