import type { GraphBuilder, Value } from '../graph-builder.js';

/** The mean over `axes`, which stay as sizes of 1. */
export function meanOver(graph: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return graph.node('ReduceMean', [x, graph.int64s(axes, 'axes')], { keepdims: 1 });
}

/** The sum over `axes`, which stay as sizes of 1. */
export function sumOver(graph: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return graph.node('ReduceSum', [x, graph.int64s(axes, 'axes')], { keepdims: 1 });
}

/** `1 / √(x + epsilon)`. */
export function reciprocalRoot(graph: GraphBuilder, x: Value, epsilon: number): Value {
  return graph.node('Reciprocal', [graph.node('Sqrt', [graph.node('Add', [x, graph.scalar(epsilon)])])]);
}

/**
 * `x` divided by its Euclidean length over `axes`. `floor` is the least length (Keras 3) or its square (TensorFlow's
 * `l2_normalize`, which Keras 2 calls); below it, the floor divides.
 */
export function normalizeLength(
  graph: GraphBuilder,
  x: Value,
  axes: readonly number[],
  floor: { readonly length: number } | { readonly square: number },
): Value {
  const squares = sumOver(graph, graph.node('Mul', [x, x]), axes);
  const length =
    'length' in floor
      ? graph.node('Max', [graph.node('Sqrt', [squares]), graph.scalar(floor.length)])
      : graph.node('Sqrt', [graph.node('Max', [squares, graph.scalar(floor.square)])]);
  return graph.node('Div', [x, length]);
}
