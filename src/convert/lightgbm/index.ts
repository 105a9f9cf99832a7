import { readLightgbm } from '../../formats/lightgbm/index.js';
import { defaultLimits, type Limits } from '../../formats/limits.js';
import type { Conversion } from '../../signature.js';
import { convertSklearn } from '../sklearn/index.js';
import { boosterOfModel } from './wrappers.js';

/**
 * Converts a model file of LightGBM (text): one input `X` [batch, features], or one a column where columns hold
 * categories; one output `predict`, which is what `Booster.predict` gives.
 *
 * @throws as `readLightgbm`; model-unsupported for an objective that is not known
 */
export function convertLightgbm(bytes: Uint8Array, limits: Limits = defaultLimits): Conversion {
  return convertSklearn(boosterOfModel(readLightgbm(bytes, limits)), { format: 'lightgbm' });
}
