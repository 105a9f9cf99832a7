import { float, type GraphBuilder, type Value } from '../graph-builder.js';

export interface Rectifier {
  readonly negativeSlope: number;
  readonly threshold: number;
  /** No cap when absent. */
  readonly maxValue: number | undefined;
}

/**
 * The general ReLU of `keras.activations.relu`, branch by branch as Keras 2 and 3 compute it: at the threshold itself
 * the result is 0, and the slope below it starts from the threshold.
 */
export function rectify(graph: GraphBuilder, x: Value, { negativeSlope, threshold, maxValue }: Rectifier): Value {
  if (negativeSlope !== 0 && maxValue === undefined && threshold === 0) {
    return graph.node('LeakyRelu', [x], { alpha: float(negativeSlope) });
  }
  let result: Value;
  if (threshold === 0) result = graph.node('Relu', [x]);
  else result = graph.node('Where', [graph.node('Greater', [x, graph.scalar(threshold)]), x, graph.scalar(0)]);
  if (maxValue !== undefined) result = graph.node('Clip', [result, graph.scalar(0), graph.scalar(maxValue)]);
  if (negativeSlope === 0) return result;
  const below = graph.node('Relu', [graph.node('Sub', [graph.scalar(threshold), x])]);
  return graph.node('Sub', [result, graph.node('Mul', [below, graph.scalar(negativeSlope)])]);
}
