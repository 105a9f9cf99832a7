import type { GraphBuilder, Value } from '../../graph-builder.js';

/** `numpy.clip` of float64: a NaN stays one. */
export function clip(graph: GraphBuilder, x: Value, low: number, high: number): Value {
  return graph.node('Clip', [x, graph.scalar(low, 'float64'), graph.scalar(high, 'float64')]);
}
