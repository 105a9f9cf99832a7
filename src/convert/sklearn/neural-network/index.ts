import type { EstimatorConverter } from '../converter.js';
import { bernoulliRbm } from './bernoulli-rbm.js';
import { mlpClassifier } from './mlp-classifier.js';
import { mlpRegressor } from './mlp-regressor.js';

export const neuralNetworkConverters: readonly EstimatorConverter[] = [mlpClassifier, mlpRegressor, bernoulliRbm];
