import type { EstimatorConverter } from '../converter.js';
import { dummyClassifier } from './dummy-classifier.js';
import { dummyRegressor } from './dummy-regressor.js';

export const dummyConverters: readonly EstimatorConverter[] = [dummyClassifier, dummyRegressor];
