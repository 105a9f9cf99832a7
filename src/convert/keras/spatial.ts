/**
 * What convolutions, pooling, padding and upsampling share: the place of the channels, windows that slide along
 * spatial axes, and padding as TensorFlow does it.
 */
import type { Tensor, TensorData } from '../../tensor.js';
import { allocate, sizeOf } from '../../tensor.js';
import type { Attribute } from '../graph-builder.js';
import type { LayerConfig } from './config.js';
import type { KerasTensor, LayerCall, Shape } from './layer.js';

export type DataFormat = 'channels_last' | 'channels_first';

export function readDataFormat(config: LayerConfig): DataFormat {
  return config.choice('data_format', ['channels_last', 'channels_first'], 'channels_last');
}

/** `Conv2D` → 2: the number of spatial axes that a class name states. */
export function spatialRank(className: string): number {
  return Number(/([123])D/.exec(className)![1]);
}

/** Refuses what is not [batch, `rank` spatial axes, channels], in either order. */
export function checkRank(call: LayerCall, x: KerasTensor, rank: number): void {
  if (x.shape.length !== rank + 2) {
    call.layer.config.refuse(`its input has ${x.shape.length} dimensions, and only ${rank + 2} are converted`);
  }
}

/** Index of the first spatial axis, and of the channels. */
export function axesOf(format: DataFormat, rank: number): { readonly first: number; readonly channels: number } {
  return format === 'channels_last' ? { first: 1, channels: rank + 1 } : { first: 2, channels: 1 };
}

/** The spatial sizes of a shape. */
export function spatialSizes(x: KerasTensor, format: DataFormat): Shape {
  return format === 'channels_last' ? x.shape.slice(1, -1) : x.shape.slice(2);
}

/** [batch, …, channels] → [batch, channels, …]; what is channels_first already stays. */
export function toChannelsFirst(call: LayerCall, x: KerasTensor, format: DataFormat): KerasTensor {
  if (format === 'channels_first') return x;
  const last = x.shape.length - 1;
  return transpose(call, x, [0, last, ...range(1, last)]);
}

/** The way back from `toChannelsFirst`. */
export function fromChannelsFirst(call: LayerCall, x: KerasTensor, format: DataFormat): KerasTensor {
  if (format === 'channels_first') return x;
  return transpose(call, x, [0, ...range(2, x.shape.length), 1]);
}

/** Reorders axes: axis i of the result is axis `order[i]` of `x`. */
export function transpose(call: LayerCall, x: KerasTensor, order: readonly number[]): KerasTensor {
  const value = call.graph.node('Transpose', [x.value], { perm: order });
  return { value, dtype: x.dtype, shape: order.map((axis) => x.shape[axis]!) };
}

export function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(end - start, 0) }, (_, i) => start + i);
}

export interface Window {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: 'valid' | 'same' | 'causal';
}

/** Attributes of an ONNX window operator, and the sizes that come out. */
export interface PlacedWindow {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly sizes: Shape;
}

/**
 * Places a window over `sizes`. `same` is TensorFlow's: the output has ⌈size / stride⌉ elements, and an odd one of
 * padding goes to the end. Where a size is free and the stride is not 1, the padding depends on the request, and ONNX
 * Runtime works it out (`SAME_UPPER`, which it has for no dilation alone).
 */
export function placeWindow(call: LayerCall, sizes: Shape, window: Window): PlacedWindow {
  const { size, strides, dilation, padding } = window;
  const reach = size.map((length, i) => (length - 1) * dilation[i]! + 1);
  const begins: number[] = [];
  const ends: number[] = [];
  let known = true;
  const outputs = sizes.map((input, i) => {
    const stride = strides[i]!;
    let total = 0;
    if (padding === 'causal') total = reach[i]! - 1;
    else if (padding === 'same') {
      if (stride === 1) total = reach[i]! - 1;
      else if (input === null) {
        // A window of one element needs no padding, whatever the size.
        if (reach[i]! > 1) known = false;
      } else total = Math.max((Math.ceil(input / stride) - 1) * stride + reach[i]! - input, 0);
    }
    const begin = padding === 'causal' ? total : Math.floor(total / 2);
    begins.push(begin);
    ends.push(total - begin);
    if (input === null) return null;
    const output = padding === 'valid' ? Math.ceil((input - reach[i]! + 1) / stride) : Math.ceil(input / stride);
    if (output < 1) call.layer.config.refuse(`its window does not fit into the size ${input}`);
    return output;
  });
  if (!known && dilation.some((step) => step !== 1)) {
    call.layer.config.refuse('padding "same" with strides and dilation needs an input of fixed size');
  }
  if (!known && sizes.some((input, i) => input === null && reach[i]! < strides[i]!)) {
    call.layer.config.refuse('padding "same" with strides longer than the window needs an input of fixed size');
  }
  const padded = begins.some((begin) => begin > 0) || ends.some((end) => end > 0);
  return {
    attributes: {
      kernel_shape: size,
      strides,
      ...(dilation.some((step) => step !== 1) ? { dilations: dilation } : {}),
      ...(!known ? { auto_pad: 'SAME_UPPER' } : padded ? { pads: [...begins, ...ends] } : {}),
    },
    sizes: outputs,
  };
}

/**
 * The same tensor, from a graph that refuses requests in which a free axis has fewer than `least` elements, as Keras
 * does: ONNX Runtime pools what there is, and some of its operators end the process over tensors without elements.
 * `leasts` are of consecutive axes, the first of them `first`.
 */
export function refuseSmaller(call: LayerCall, x: KerasTensor, first: number, leasts: readonly number[]): KerasTensor {
  const { graph, layer } = call;
  const checked = leasts.flatMap((least, i) =>
    x.shape[first + i] === null && least > 1 ? [{ least, axis: first + i }] : [],
  );
  if (checked.length === 0) return x;
  let shape = graph.node('Shape', [x.value]);
  for (const { least, axis } of checked) {
    const size = graph.node('Shape', [x.value], { start: axis, end: axis + 1 });
    // Ones, as many as there are elements; taking the last that there has to be fails where there is none.
    const ones = graph.node('Expand', [graph.int64s([1]), size]);
    const one = graph.node('Gather', [ones, graph.int64s([least - 1])], {}, { name: `${layer.name}_needs_${least}` });
    shape = graph.node('Mul', [shape, one]);
  }
  return { ...x, value: graph.node('Reshape', [x.value, shape]) };
}

/** Reorders the axes of a constant, as `transpose` does those of a value. */
export function transposeTensor(tensor: Tensor, order: readonly number[]): Tensor {
  const { shape: from, data } = tensor;
  const shape = order.map((axis) => from[axis]!);
  const strides = new Array<number>(from.length).fill(1);
  for (let axis = from.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * from[axis + 1]!;
  const steps = order.map((axis) => strides[axis]!);
  const result = allocate(tensor.dtype, sizeOf(shape)) as (number | string)[] & TensorData;
  const source = data as unknown as (number | string)[];
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0, at = 0; i < result.length; i++) {
    result[i] = source[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += steps[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= steps[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return { dtype: tensor.dtype, shape, data: result };
}
