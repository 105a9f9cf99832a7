import type { DataType } from '../../tensor.js';
import { type GraphBuilder, onnxTypes, type Value } from '../graph-builder.js';
import { castTensor, type KerasTensor, type LayerCall } from './layer.js';

/** Every column gets a number of its own in the graph. */
const MAX_DEPTH = 2 ** 20;

/**
 * `indices`, int64, which fail the request when one is not from 0 to below `depth`; and all of those numbers [depth].
 */
export function withinDepth(graph: GraphBuilder, indices: Value, depth: number): [checked: Value, every: Value] {
  // Gather fails on an index that is too large, and would count a negative one from the end.
  const scalar = (number: number): Value =>
    graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(number)) });
  const upwards = graph.node('Where', [graph.node('Less', [indices, scalar(0)]), scalar(depth), indices]);
  const every = graph.constant({
    dtype: 'int64',
    shape: [depth],
    data: BigInt64Array.from({ length: depth }, (_, i) => BigInt(i)),
  });
  return [graph.node('Gather', [every, upwards], { axis: 0 }), every];
}

/**
 * Encodes indices below `depth`: `one_hot` [batch, …] → [batch, …, depth] (a last size of 1 is dropped first),
 * `multi_hot` and `count` [batch, n] → [batch, depth]. An index out of range fails the request, as it fails in Keras.
 */
export function encodeCategories(
  call: LayerCall,
  indices: KerasTensor,
  mode: 'one_hot' | 'multi_hot' | 'count',
  depth: number,
): KerasTensor {
  const { graph, layer } = call;
  const rank = indices.shape.length;
  if (depth < 1 || depth > MAX_DEPTH) layer.config.refuse(`it makes ${depth} columns, not 1 to ${MAX_DEPTH}`);
  if (mode !== 'one_hot' && rank !== 2) layer.config.refuse(`output_mode "${mode}" needs [batch, n]`);
  let { value, shape } = castTensor(graph, indices, 'int64');
  if (mode === 'one_hot' && rank > 1 && shape.at(-1) === 1) {
    value = graph.node('Squeeze', [value, graph.int64s([-1], 'axes')]);
    shape = shape.slice(0, -1);
  }
  const [found, every] = withinDepth(graph, value, depth);
  const column = graph.node('Unsqueeze', [found, graph.int64s([-1], 'axes')]);
  const hot = graph.node('Cast', [graph.node('Equal', [column, every])], { to: onnxTypes.float32 });
  const dtype: DataType = 'float32';
  if (mode === 'one_hot') return { value: hot, dtype, shape: [...shape, depth] };
  const reduce = mode === 'count' ? 'ReduceSum' : 'ReduceMax';
  const sum = graph.node(reduce, [hot, graph.int64s([1], 'axes')], { keepdims: 0 });
  return { value: sum, dtype, shape: [shape[0]!, depth] };
}
