import { defaultLimits, type Limits } from '../../formats/limits.js';
import { readXgboost } from '../../formats/xgboost/index.js';
import type { Conversion } from '../../signature.js';
import { convertSklearn } from '../sklearn/index.js';
import { boosterOfModel } from './wrappers.js';

/**
 * Converts a model file of XGBoost (JSON, UBJSON, the old binary format): one input `X` [batch, features], one output
 * `predict`, which is what `Booster.predict` gives.
 *
 * @throws as `readXgboost`; model-unsupported for an objective that is not known
 */
export function convertXgboost(bytes: Uint8Array, limits: Limits = defaultLimits): Conversion {
  return convertSklearn(boosterOfModel(readXgboost(bytes, limits)), { format: 'xgboost' });
}
