/** What the converter of an estimator sees and gives. Graphs are float64, as scikit-learn is. */
import type { DataType } from '../../tensor.js';
import type { Value } from '../graph-builder.js';
import type { Call } from './call.js';
import type { Estimator } from './estimator.js';
import type { Features } from './features.js';
import type { Labels } from './labels.js';

/** The result of a method. */
export interface Output {
  readonly value: Value;
  readonly dtype: DataType;
  /** Batch first; `null` is free. */
  readonly shape: readonly (number | null)[];
  /** Names along the last dimension: the classes of `predict_proba`. */
  readonly columns?: readonly string[];
}

/** Methods that give one row of results a row of input; each adds its nodes when it is first called. */
export interface Methods {
  /** `classes_`; a list of them for several targets. */
  readonly classes?: Labels | readonly Labels[];
  readonly transform?: () => Features;
  readonly predict?: () => Output;
  /** A list for several targets. */
  readonly predict_proba?: () => Output | readonly Output[];
  readonly predict_log_proba?: () => Output | readonly Output[];
  readonly decision_function?: () => Output;
  readonly score_samples?: () => Output;
  /** Distances, and the indices of samples. */
  readonly kneighbors?: () => readonly Output[];
}

export const methodNames = [
  'predict',
  'predict_proba',
  'predict_log_proba',
  'decision_function',
  'score_samples',
  'kneighbors',
  'transform',
] as const satisfies readonly (keyof Methods)[];

/** What an estimator at the root of a file takes. */
export type InputShape =
  /** Rows of a table, with the names of its columns where it was fitted on a data frame. */
  | { readonly kind: 'table'; readonly size: number; readonly names?: readonly string[] | undefined }
  /** Rows of numbers, as many as come: of estimators that keep nothing of what they were fitted on. */
  | { readonly kind: 'rows' }
  /** One text a row. */
  | { readonly kind: 'documents' }
  /** One label a row. */
  | { readonly kind: 'labels'; readonly type: 'number' | 'text' | 'boolean' }
  /** A JSON text a row: a dictionary of features, or a list of labels. */
  | { readonly kind: 'json'; readonly json: 'object' | 'list' };

export interface EstimatorConverter {
  /** Where the newest scikit-learn keeps the class; older places lead there (`formats/pickle`). */
  readonly className: string;
  /**
   * Parameters that the converter honours, or that change no number. Any other is refused. `any` where the estimator
   * holds a trained model that knows all that it was trained with (XGBoost, LightGBM).
   */
  readonly parameters: readonly string[] | 'any';
  /**
   * What it takes at the root of a file: a table of `n_features_in_` columns unless told. Estimators made before
   * scikit-learn 0.24 do not have that attribute, and give the size of what they learnt.
   * `describe` answers for a part (the first step of a pipeline).
   */
  readonly input?: (estimator: Estimator, describe: (part: Estimator) => InputShape) => InputShape;
  /** Adds the estimator's nodes as its methods are called. @throws estimator-unsupported also when it is not fitted */
  convert(call: Call): Methods;
}
