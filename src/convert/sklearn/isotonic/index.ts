import type { EstimatorConverter } from '../converter.js';
import { isotonicRegression } from './isotonic-regression.js';

export const isotonicConverters: readonly EstimatorConverter[] = [isotonicRegression];
