import type { EstimatorConverter } from '../converter.js';
import { binarizer } from './binarizer.js';
import { dictVectorizer } from './dict-vectorizer.js';
import { featureHasher } from './feature-hasher.js';
import { functionTransformer } from './function-transformer.js';
import { kBinsDiscretizer } from './k-bins-discretizer.js';
import { labelBinarizer } from './label-binarizer.js';
import { labelEncoder } from './label-encoder.js';
import { maxAbsScaler } from './max-abs-scaler.js';
import { minMaxScaler } from './min-max-scaler.js';
import { multiLabelBinarizer } from './multi-label-binarizer.js';
import { normalizer } from './normalizer.js';
import { oneHotEncoder } from './one-hot-encoder.js';
import { ordinalEncoder } from './ordinal-encoder.js';
import { polynomialFeatures } from './polynomial-features.js';
import { powerTransformer } from './power-transformer.js';
import { quantileTransformer } from './quantile-transformer.js';
import { robustScaler } from './robust-scaler.js';
import { splineTransformer } from './spline-transformer.js';
import { standardScaler } from './standard-scaler.js';
import { targetEncoder } from './target-encoder.js';

export const preprocessingConverters: readonly EstimatorConverter[] = [
  standardScaler,
  minMaxScaler,
  maxAbsScaler,
  robustScaler,
  functionTransformer,
  oneHotEncoder,
  ordinalEncoder,
  binarizer,
  kBinsDiscretizer,
  labelBinarizer,
  labelEncoder,
  normalizer,
  polynomialFeatures,
  powerTransformer,
  quantileTransformer,
  splineTransformer,
  targetEncoder,
  multiLabelBinarizer,
  dictVectorizer,
  featureHasher,
];
