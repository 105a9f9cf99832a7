import type { EstimatorConverter } from '../converter.js';
import { additiveChi2Sampler } from './additive-chi2-sampler.js';
import { nystroem } from './nystroem.js';
import { polynomialCountSketch } from './polynomial-count-sketch.js';
import { rbfSampler } from './rbf-sampler.js';
import { skewedChi2Sampler } from './skewed-chi2-sampler.js';

export const kernelApproximationConverters: readonly EstimatorConverter[] = [
  nystroem,
  rbfSampler,
  skewedChi2Sampler,
  additiveChi2Sampler,
  polynomialCountSketch,
];
