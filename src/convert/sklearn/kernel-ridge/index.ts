import type { EstimatorConverter } from '../converter.js';
import { kernelRidge } from './kernel-ridge.js';

export const kernelRidgeConverters: readonly EstimatorConverter[] = [kernelRidge];
