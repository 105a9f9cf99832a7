import type { EstimatorConverter } from '../converter.js';
import { gaussianProcessRegressor } from './gaussian-process-regressor.js';

export const gaussianProcessConverters: readonly EstimatorConverter[] = [gaussianProcessRegressor];
