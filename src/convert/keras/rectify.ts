import { float, type GraphBuilder, onnxTypes, type Value } from '../graph-builder.js';

export interface Rectifier {
  readonly negativeSlope: number;
  readonly threshold: number;
  /** No cap when absent. */
  readonly maxValue: number | undefined;
  /** Keras 3.15 selects what is above the threshold; before it multiplied by 0, so that infinities gave NaN. */
  readonly selects?: boolean;
}

/**
 * The general ReLU of `keras.activations.relu`, branch by branch as Keras 2 and 3 compute it: at the threshold itself
 * the result is 0, and the slope below it starts from the threshold.
 */
export function rectify(graph: GraphBuilder, x: Value, options: Rectifier): Value {
  const { negativeSlope, threshold, maxValue, selects = false } = options;
  if (negativeSlope !== 0 && maxValue === undefined && threshold === 0) {
    return graph.node('LeakyRelu', [x], { alpha: float(negativeSlope) });
  }
  let result: Value;
  if (threshold === 0) result = graph.node('Relu', [x]);
  else if (!selects) result = above(graph, x, threshold);
  else result = graph.node('Where', [graph.node('Greater', [x, graph.scalar(threshold)]), x, graph.scalar(0)]);
  if (maxValue !== undefined) result = graph.node('Clip', [result, graph.scalar(0), graph.scalar(maxValue)]);
  if (negativeSlope === 0) return result;
  const below = graph.node('Relu', [graph.node('Sub', [graph.scalar(threshold), x])]);
  return graph.node('Sub', [result, graph.node('Mul', [below, graph.scalar(negativeSlope)])]);
}

/** x times whether it is above `threshold`, so that NaN stays. */
export function above(graph: GraphBuilder, x: Value, threshold: number): Value {
  const counts = graph.node('Cast', [graph.node('Greater', [x, graph.scalar(threshold)])], { to: onnxTypes.float32 });
  return graph.node('Mul', [x, counts]);
}
