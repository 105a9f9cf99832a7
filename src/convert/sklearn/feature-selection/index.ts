import type { EstimatorConverter } from '../converter.js';
import { selectFromModel } from './select-from-model.js';
import { univariateConverters } from './univariate.js';
import { varianceThreshold } from './variance-threshold.js';
import { wrappedConverters } from './wrapped-estimator.js';

export const featureSelectionConverters: readonly EstimatorConverter[] = [
  ...univariateConverters,
  varianceThreshold,
  selectFromModel,
  ...wrappedConverters,
];
