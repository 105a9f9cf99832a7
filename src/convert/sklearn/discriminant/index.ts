import type { EstimatorConverter } from '../converter.js';
import { linearDiscriminantAnalysis } from './linear-discriminant-analysis.js';
import { quadraticDiscriminantAnalysis } from './quadratic-discriminant-analysis.js';

export const discriminantConverters: readonly EstimatorConverter[] = [
  linearDiscriminantAnalysis,
  quadraticDiscriminantAnalysis,
];
