import type { EstimatorConverter } from '../converter.js';
import { calibratedClassifierCV } from './calibrated-classifier-cv.js';
import { frozenEstimator } from './frozen-estimator.js';

export const calibrationConverters: readonly EstimatorConverter[] = [calibratedClassifierCV, frozenEstimator];
