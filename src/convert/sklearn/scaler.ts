import { VitrinaError } from '../../errors.js';
import { readJoblib } from '../../formats/joblib/index.js';
import { type PythonLimits, PythonObject } from '../../formats/pickle/index.js';
import { Estimator } from './estimator.js';
import { readStandardScaler, standardScaler, standardScalerSize } from './preprocessing/standard-scaler.js';

/** A fitted StandardScaler: `(x - mean[i]) / scale[i]` in float64 is bitwise what its `transform` gives. */
export interface Scaler {
  /** What is subtracted: `mean_`, or zeros with `with_mean=False`. */
  readonly mean: Float64Array;
  /** What is divided by: `scale_`, or ones with `with_std=False`. */
  readonly scale: Float64Array;
  /** Means of the data that it was fitted on, also when they are not subtracted; `undefined` when the file has none. */
  readonly trainingMean: Float64Array | undefined;
  /** Names of the columns that it was fitted on; `undefined` when it was fitted on an array. */
  readonly featureNames: readonly string[] | undefined;
  /** Version of scikit-learn that wrote it. */
  readonly version: string;
}

/**
 * Reads a StandardScaler from the bytes of a pickle or joblib file, compressed or not.
 * @throws model-unsupported when the file holds something else, and as `readJoblib` and `convertSklearn`
 */
export function readScaler(bytes: Uint8Array, limits: Partial<PythonLimits> = {}): Scaler {
  const { value } = readJoblib(bytes, limits);
  if (!(value instanceof PythonObject) || value.global.id !== standardScaler.className) {
    const found = value instanceof PythonObject ? value.global.id : 'something else';
    throw new VitrinaError('model-unsupported', {
      what: `The file of the scaler holds ${found}, not a StandardScaler`,
      next: 'save the fitted sklearn.preprocessing.StandardScaler alone',
    });
  }
  const estimator = new Estimator(value);
  estimator.checkParameters(standardScaler.parameters);
  const size = standardScalerSize(estimator);
  const { mean, scale } = readStandardScaler(estimator);
  const fitted = estimator.get('mean_') ?? null;
  return {
    mean: mean ?? new Float64Array(size),
    scale: scale ?? new Float64Array(size).fill(1),
    trainingMean: fitted === null ? undefined : estimator.vector('mean_', size),
    featureNames: estimator.featureNames(size),
    version: estimator.version,
  };
}
