/**
 * What the converter of an estimator sees and gives. Graphs are float64, as scikit-learn is.
 */
import type { DataType } from '../../tensor.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import type { Estimator } from './estimator.js';

export interface EstimatorInput {
  readonly value: Value;
  /** Number of features: the input is `[batch, size]`, float64. */
  readonly size: number;
}

export interface EstimatorCall {
  readonly graph: GraphBuilder;
  readonly estimator: Estimator;
  readonly input: EstimatorInput;
}

export interface EstimatorOutput {
  /** The method whose result it is: `transform`, `predict`. */
  readonly method: string;
  readonly value: Value;
  readonly dtype: DataType;
  /** Batch first; `null` is free. */
  readonly shape: readonly (number | null)[];
}

export interface EstimatorConverter {
  /** Where the newest scikit-learn keeps the class; older places lead there (`formats/pickle`). */
  readonly className: string;
  /** Parameters that the converter honours, or that change no number. Any other is refused. */
  readonly parameters: readonly string[];
  /** Number of features that the estimator was fitted on. @throws estimator-unsupported when it was not fitted */
  features(estimator: Estimator): number;
  /** Adds the estimator's nodes; returns the results of its methods. */
  convert(call: EstimatorCall): EstimatorOutput[];
}

/** `operator(x, vector)`, the vector one value a feature: `[batch, size]`. */
export function applyVector(
  { graph }: EstimatorCall,
  operator: string,
  x: Value,
  vector: Float64Array,
  stem: string,
): Value {
  return graph.node(operator, [x, graph.constant({ dtype: 'float64', shape: [vector.length], data: vector }, stem)]);
}

/** The result of `transform` of a transformer that keeps its features. */
export function transformed({ input }: EstimatorCall, value: Value): EstimatorOutput[] {
  return [{ method: 'transform', value, dtype: 'float64', shape: [null, input.size] }];
}
