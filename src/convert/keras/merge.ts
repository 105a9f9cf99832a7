import type { DataType } from '../../tensor.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import { castTensor, type KerasMask, type KerasTensor, type LayerCall, type Shape } from './layer.js';
import { range } from './spatial.js';

/**
 * The inputs of a merging layer, brought to one type and one rank: Keras puts axes of size 1 after the batch where an
 * input has fewer. A reshaped input loses its mask for the merging itself.
 */
export function alignInputs(call: LayerCall): KerasTensor[] {
  const { graph, inputs } = call;
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  const dtype = commonType(call);
  return inputs.map((input) => {
    const tensor = castTensor(graph, input, dtype);
    const missing = rank - tensor.shape.length;
    if (missing === 0) return tensor;
    const value = graph.node('Unsqueeze', [tensor.value, graph.int64s(range(1, 1 + missing), 'axes')]);
    const [batch = null, ...rest] = tensor.shape;
    return { value, dtype, shape: [batch, ...range(0, missing).map(() => 1), ...rest] };
  });
}

/** The type of all inputs when it is one, else float32. */
export function commonType({ inputs }: LayerCall): DataType {
  const [first, ...rest] = inputs;
  return first !== undefined && rest.every(({ dtype }) => dtype === first.dtype) ? first.dtype : 'float32';
}

/** Shapes broadcast against each other; all of one rank. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  return shapes[0]!.map((_, axis) => {
    const sizes = new Set(shapes.map((shape) => shape[axis]).filter((size) => size !== 1));
    if (sizes.size === 0) return 1;
    // A free size against a fixed one must turn out to be that or 1.
    for (const size of sizes) if (size !== null) return size!;
    return null;
  });
}

/** Joins masks of one shape with `Or` or `And`. */
export function joinMasks(graph: GraphBuilder, masks: readonly KerasMask[], operator: 'Or' | 'And'): KerasMask {
  return masks.reduce((left, right) => ({
    value: graph.node(operator, [left.value, right.value]),
    shape: left.shape,
  }));
}

/** A mask [batch, …] beside a tensor [batch, …, features]. */
export function besideFeatures(graph: GraphBuilder, mask: KerasMask): Value {
  return graph.node('Unsqueeze', [mask.value, graph.int64s([-1], 'axes')]);
}
