import type { Value } from '../graph-builder.js';
import { applyActivation } from './activation.js';
import type { KerasTensor, LayerCall } from './layer.js';
import {
  type DataFormat,
  fromChannelsFirst,
  type PlacedWindow,
  placeWindow,
  range,
  readDataFormat,
  spatialSizes,
  transposeTensor,
  type Window,
} from './spatial.js';

/** Options that every convolution has. */
export const convolutionOptions = [
  'kernel_size',
  'strides',
  'padding',
  'data_format',
  'dilation_rate',
  'groups',
  'activation',
  'use_bias',
] as const;

/** Reads kernel size, strides, dilation and padding for `rank` spatial axes. */
export function readWindow(call: LayerCall, rank: number): Window {
  const { config } = call.layer;
  const paddings = rank === 1 ? (['valid', 'same', 'causal'] as const) : (['valid', 'same'] as const);
  return {
    size: config.sizes('kernel_size', rank),
    strides: config.sizes('strides', rank, 1),
    dilation: config.sizes('dilation_rate', rank, 1),
    padding: config.choice<Window['padding']>('padding', paddings, 'valid'),
  };
}

/** TensorFlow's kernel [spatial…, in, out] as ONNX has it, [out, in, spatial…]. */
export function kernelOrder(rank: number): number[] {
  return [rank + 1, rank, ...range(0, rank)];
}

/** The bias, when the layer has one. */
export function readBias(call: LayerCall, filters: number): Value | undefined {
  if (!call.layer.config.boolean('use_bias', true)) return undefined;
  return call.constant('bias', () => call.weights.read('bias', [filters]));
}

/**
 * The variable `name` of shape [spatial…, channels, multiplier] as the weights of a convolution in `channels` groups:
 * [channels · multiplier, 1, spatial…].
 */
export function readDepthwiseKernel(call: LayerCall, name: string, window: Window, channels: number): Value {
  const rank = window.size.length;
  const multiplier = call.layer.config.integer('depth_multiplier', 1);
  return call.constant(name, () => {
    const kernel = call.weights.read(name, [...window.size, channels, multiplier]);
    const moved = transposeTensor(kernel, [rank, rank + 1, ...range(0, rank)]);
    return { ...moved, shape: [channels * multiplier, 1, ...window.size] };
  });
}

/** Adds a `Conv` over a channels-first tensor. */
export function addConvolution(
  call: LayerCall,
  x: KerasTensor,
  kernel: {
    readonly value: Value;
    readonly filters: number;
    readonly groups: number;
    readonly bias?: Value | undefined;
  },
  window: Window,
): KerasTensor {
  const { attributes, sizes }: PlacedWindow = placeWindow(call, spatialSizes(x, 'channels_first'), window);
  const inputs = kernel.bias === undefined ? [x.value, kernel.value] : [x.value, kernel.value, kernel.bias];
  const value = call.graph.node(
    'Conv',
    inputs,
    { ...attributes, ...(kernel.groups === 1 ? {} : { group: kernel.groups }) },
    { name: call.layer.name },
  );
  return { value, dtype: x.dtype, shape: [x.shape[0]!, kernel.filters, ...sizes] };
}

/** Activations that ONNX Runtime fuses into a convolution right before them, and that look at one element alone. */
const fused: ReadonlySet<unknown> = new Set(['relu', 'sigmoid', 'tanh']);

/** Brings a channels-first tensor back to the layer's data format, and applies the activation. */
export function finishConvolution(call: LayerCall, x: KerasTensor, format: DataFormat): KerasTensor[] {
  const activation = call.layer.config.get('activation');
  if (fused.has(activation)) return [fromChannelsFirst(call, applyActivation(call, activation, x), format)];
  return [applyActivation(call, activation, fromChannelsFirst(call, x, format))];
}

export { readDataFormat };
