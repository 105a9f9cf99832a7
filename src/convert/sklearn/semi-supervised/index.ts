import type { EstimatorConverter } from '../converter.js';
import { labelPropagation } from './label-propagation.js';
import { selfTrainingClassifier } from './self-training-classifier.js';

export const semiSupervisedConverters: readonly EstimatorConverter[] = [
  selfTrainingClassifier,
  labelPropagation('LabelPropagation'),
  labelPropagation('LabelSpreading'),
];
