import type { EstimatorConverter } from '../converter.js';
import { nystroem } from './nystroem.js';
import { rbfSampler } from './rbf-sampler.js';

export const kernelApproximationConverters: readonly EstimatorConverter[] = [nystroem, rbfSampler];
