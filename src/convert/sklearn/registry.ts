import type { EstimatorConverter } from './converter.js';
import { maxAbsScaler } from './preprocessing/max-abs-scaler.js';
import { minMaxScaler } from './preprocessing/min-max-scaler.js';
import { robustScaler } from './preprocessing/robust-scaler.js';
import { standardScaler } from './preprocessing/standard-scaler.js';

/** Every estimator that converts, one line each. */
const converters: readonly EstimatorConverter[] = [
  // Preprocessing
  standardScaler,
  minMaxScaler,
  maxAbsScaler,
  robustScaler,
];

/** Indexes converters by class name; two that claim one class are a mistake of ours. */
export function registerEstimators(list: readonly EstimatorConverter[]): ReadonlyMap<string, EstimatorConverter> {
  const registry = new Map<string, EstimatorConverter>();
  for (const converter of list) {
    if (registry.has(converter.className)) {
      throw new Error(`Two converters claim the estimator ${converter.className}.`);
    }
    registry.set(converter.className, converter);
  }
  return registry;
}

export const estimatorRegistry = registerEstimators(converters);
