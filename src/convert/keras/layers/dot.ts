import { castTensor, type KerasTensor, type LayerCall, type LayerConverter } from '../layer.js';
import { normalizeLength } from '../moments.js';
import { range, transpose } from '../spatial.js';

/**
 * [batch, …a] and [batch, …b] → [batch, …a without its axis, …b without its axis]: products summed over one axis of
 * each; two matrices of rank 2 give [batch, 1]. With `normalize` both are first divided by their length.
 */
export const dot: LayerConverter = {
  classNames: ['Dot'],
  masks: 'stop',
  options: ['axes', 'normalize'],
  convert(call) {
    const { graph, layer } = call;
    const { config } = layer;
    const [left, right] = call.inputs.map((input) => castTensor(graph, input, 'float32'));
    if (left === undefined || right === undefined || call.inputs.length !== 2) {
      return config.refuse(`it takes two tensors and is given ${call.inputs.length}`);
    }
    const given = config.integers('axes', [-1]);
    const pair = given.length === 1 ? [given[0]!, given[0]!] : given;
    const axes = [left, right].map(({ shape }, i) => (pair[i]! < 0 ? pair[i]! + shape.length : pair[i]!));
    if (pair.length !== 2 || axes.some((axis) => axis < 1)) config.refuse('its axes are not one of each input');
    const operands = [left, right].map((tensor, i) => {
      if (!config.boolean('normalize', false)) return tensor;
      const floor = layer.generation === 2 ? { square: 1e-12 } : { length: 1e-7 };
      return { ...tensor, value: normalizeLength(graph, tensor.value, [axes[i]!], floor) };
    });
    const a = flatten(call, operands[0]!, axes[0]!, 'last');
    const b = flatten(call, operands[1]!, axes[1]!, 'first');
    const product = graph.node('MatMul', [a.value, b.value], {}, { name: layer.name });
    const sizes = [left.shape[0] ?? right.shape[0] ?? null, ...a.rest, ...b.rest];
    if (sizes.length === 1) sizes.push(1);
    // The product is [batch, a's, b's]; where both have one other axis, or none at all, it has its shape already.
    if (a.rest.length === 1 && b.rest.length === 1) return [{ value: product, dtype: 'float32', shape: sizes }];
    const free = sizes.slice(1).filter((size) => size === null).length;
    if (free > 1) config.refuse('several sizes of its result are free');
    const target = graph.int64s([0, ...sizes.slice(1).map((size) => size ?? -1)]);
    return [{ value: graph.node('Reshape', [product, target]), dtype: 'float32', shape: sizes }];
  },
};

interface Flattened {
  readonly value: string;
  /** The sizes other than the batch's and the summed axis'. */
  readonly rest: (number | null)[];
}

/** [batch, …] → [batch, rest, axis] or [batch, axis, rest]. */
function flatten(call: LayerCall, tensor: KerasTensor, axis: number, place: 'first' | 'last'): Flattened {
  const { graph, layer } = call;
  const others = range(1, tensor.shape.length).filter((i) => i !== axis);
  const rest = others.map((i) => tensor.shape[i]!);
  const order = place === 'last' ? [0, ...others, axis] : [0, axis, ...others];
  const sorted = order.every((from, to) => from === to);
  const moved = sorted ? tensor : transpose(call, tensor, order);
  if (rest.length === 1) return { value: moved.value, rest };
  const length = tensor.shape[axis]!;
  if (length === null) layer.config.refuse('the axis that it sums over has a free size');
  const target = graph.int64s(place === 'last' ? [0, -1, length] : [0, length, -1]);
  return { value: graph.node('Reshape', [moved.value, target]), rest };
}
