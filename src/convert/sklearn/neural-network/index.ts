import type { EstimatorConverter } from '../converter.js';
import { mlpClassifier } from './mlp-classifier.js';
import { mlpRegressor } from './mlp-regressor.js';

export const neuralNetworkConverters: readonly EstimatorConverter[] = [mlpClassifier, mlpRegressor];
