import type { EstimatorConverter } from '../converter.js';
import { classifierChain, regressorChain } from './chain.js';
import { multiOutputClassifier, multiOutputRegressor } from './multi-output.js';
import { constantPredictor, oneVsOneClassifier, oneVsRestClassifier, outputCodeClassifier } from './one-versus.js';
import { searchConverters } from './search.js';
import { fixedThresholdClassifier, tunedThresholdClassifier } from './threshold.js';
import { transformedTargetRegressor } from './transformed-target.js';

export const metaConverters: readonly EstimatorConverter[] = [
  ...searchConverters,
  multiOutputClassifier,
  multiOutputRegressor,
  classifierChain,
  regressorChain,
  oneVsRestClassifier,
  oneVsOneClassifier,
  outputCodeClassifier,
  constantPredictor,
  fixedThresholdClassifier,
  tunedThresholdClassifier,
  transformedTargetRegressor,
];
