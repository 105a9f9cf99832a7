import type { EstimatorConverter } from '../converter.js';
import { columnTransformer } from './column-transformer.js';
import { featureUnion } from './feature-union.js';

export const composeConverters: readonly EstimatorConverter[] = [columnTransformer, featureUnion];
