import { sizeOf, type Tensor } from '../../../tensor.js';
import type { Json } from '../config.js';
import { fixedSize, floatInput, type LayerCall, type LayerConverter } from '../layer.js';
import { keptMask } from '../version.js';

/** Keras' epsilon, the least deviation it divides by. */
const LEAST_DEVIATION = Math.fround(1e-7);

/**
 * any → same shape, float32: `(x − mean) / √variance` for each index of `axis` (all other axes share one), or the way
 * back with `invert`. Mean and variance come from `adapt()` (variables) or stand in the options.
 */
export const normalization: LayerConverter = {
  classNames: ['Normalization'],
  masks: 'own',
  options: ['axis', 'mean', 'variance', 'invert'],
  convert(call) {
    const { graph, layer, weights } = call;
    const { config } = layer;
    const x = floatInput(call);
    const rank = x.shape.length;
    const given = config.get('axis') === null ? [] : config.integers('axis');
    const axes = given.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
    const inOptions = config.get('mean') !== null;
    // A model made without the shape of its input still has the statistics of every feature.
    const stored = inOptions ? undefined : weights.peek('mean');
    const sizes = axes.map((axis, i) => x.shape[axis] ?? stored?.[i] ?? fixedSize(call, x, axis));
    const shape = x.shape.map((_, axis) => sizes[axes.indexOf(axis)] ?? 1);
    const read = (name: 'mean' | 'variance'): Tensor => {
      const tensor = inOptions ? fromOption(call, name, sizes) : weights.read(name, sizes);
      return { ...tensor, shape };
    };
    const mean = call.constant('mean', () => read('mean'));
    const deviation = call.constant('deviation', () => {
      const variance = read('variance');
      const roots = Float32Array.from(variance.data as Float32Array, (v) => Math.max(Math.sqrt(v), LEAST_DEVIATION));
      return { ...variance, data: roots };
    });
    const value = config.boolean('invert', false)
      ? graph.node('Add', [mean, graph.node('Mul', [x.value, deviation])], {}, { name: layer.name })
      : graph.node('Div', [graph.node('Sub', [x.value, mean]), deviation], {}, { name: layer.name });
    const output = x.shape.map((size, axis) => sizes[axes.indexOf(axis)] ?? size);
    return [{ value, dtype: x.dtype, shape: output, ...keptMask(call, x) }];
  },
};

/** A number, or nested lists that hold one number for each index of the axes. */
function fromOption(call: LayerCall, name: string, sizes: readonly number[]): Tensor {
  const { config } = call.layer;
  const flat: number[] = [];
  const collect = (value: Json): void => {
    if (Array.isArray(value)) value.forEach(collect);
    else if (typeof value === 'number') flat.push(value);
    else config.refuse(`option ${name} holds something else than numbers`);
  };
  collect(config.get(name));
  const length = sizeOf(sizes);
  if (flat.length === 1) flat.push(...new Array<number>(length - 1).fill(flat[0]!));
  if (flat.length !== length) config.refuse(`option ${name} has ${flat.length} numbers, not ${length}`);
  return { dtype: 'float32', shape: sizes, data: Float32Array.from(flat) };
}
