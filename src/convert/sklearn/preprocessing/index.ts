import type { EstimatorConverter } from '../converter.js';
import { functionTransformer } from './function-transformer.js';
import { maxAbsScaler } from './max-abs-scaler.js';
import { minMaxScaler } from './min-max-scaler.js';
import { oneHotEncoder } from './one-hot-encoder.js';
import { ordinalEncoder } from './ordinal-encoder.js';
import { robustScaler } from './robust-scaler.js';
import { standardScaler } from './standard-scaler.js';

export const preprocessingConverters: readonly EstimatorConverter[] = [
  standardScaler,
  minMaxScaler,
  maxAbsScaler,
  robustScaler,
  functionTransformer,
  oneHotEncoder,
  ordinalEncoder,
];
