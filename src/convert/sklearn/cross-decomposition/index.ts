import type { EstimatorConverter } from '../converter.js';
import { cca, plsCanonical, plsRegression, plsSVD } from './partial-least-squares.js';

export const crossDecompositionConverters: readonly EstimatorConverter[] = [plsRegression, plsCanonical, cca, plsSVD];
