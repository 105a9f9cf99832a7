import type { EstimatorConverter } from '../converter.js';
import { ellipticEnvelope } from './elliptic-envelope.js';

export const covarianceConverters: readonly EstimatorConverter[] = [ellipticEnvelope];
