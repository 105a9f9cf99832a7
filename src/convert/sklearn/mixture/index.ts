import type { EstimatorConverter } from '../converter.js';
import { bayesianGaussianMixture } from './bayesian-gaussian-mixture.js';
import { gaussianMixture } from './gaussian-mixture.js';

export const mixtureConverters: readonly EstimatorConverter[] = [gaussianMixture, bayesianGaussianMixture];
