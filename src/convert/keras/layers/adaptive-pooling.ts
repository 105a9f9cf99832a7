import type { KerasTensor, LayerCall, LayerConverter } from '../layer.js';
import { fixedSize, floatInput } from '../layer.js';
import { checkRank, fromChannelsFirst, readDataFormat, spatialRank, toChannelsFirst } from '../spatial.js';

/** Every window gets a number of its own in the graph. */
const MAX_OUTPUT = 2 ** 16;

/**
 * [batch, …spatial, channels] → [batch, …output_size, channels]. Window i of an axis of n elements runs from
 * ⌊i · n / output⌋ to ⌈(i + 1) · n / output⌉; windows differ by at most one element in length.
 */
export const adaptivePooling: LayerConverter = {
  classNames: [
    'AdaptiveAveragePooling1D',
    'AdaptiveAveragePooling2D',
    'AdaptiveAveragePooling3D',
    'AdaptiveMaxPooling1D',
    'AdaptiveMaxPooling2D',
    'AdaptiveMaxPooling3D',
  ],
  masks: 'stop',
  options: ['output_size', 'data_format'],
  convert(call) {
    const { layer } = call;
    const rank = spatialRank(layer.className);
    const x = floatInput(call);
    checkRank(call, x, rank);
    const format = readDataFormat(layer.config);
    const sizes = layer.config.sizes('output_size', rank);
    if (sizes.some((size) => size > MAX_OUTPUT)) layer.config.refuse(`its output_size is over ${MAX_OUTPUT}`);
    let output = toChannelsFirst(call, x, format);
    sizes.forEach((size, i) => {
      output = poolAxis(call, output, 2 + i, size);
    });
    return [fromChannelsFirst(call, output, format)];
  },
};

/** Pools one axis: windows of both lengths at every place, of which the wanted ones are gathered. */
function poolAxis(call: LayerCall, x: KerasTensor, axis: number, output: number): KerasTensor {
  const { graph, layer } = call;
  const input = fixedSize(call, x, axis);
  const operator = layer.className.startsWith('AdaptiveMax') ? 'MaxPool' : 'AveragePool';
  const shape = x.shape.map((size, i) => (i === axis ? output : size));
  const pool = (length: number, stride: number): string => {
    const ones = x.shape.slice(2).map(() => 1);
    const place = (value: number): number[] => ones.map((one, i) => (i === axis - 2 ? value : one));
    return graph.node(operator, [x.value], { kernel_shape: place(length), strides: place(stride) });
  };
  if (input % output === 0) return { ...x, value: pool(input / output, input / output), shape };
  const short = Math.ceil(input / output);
  // Keras computes the bounds in float32.
  const bound = (i: number): number => Math.fround(Math.fround(i * input) / output);
  const starts = Array.from({ length: output }, (_, i) => Math.min(Math.floor(bound(i)), input - 1));
  const lengths = starts.map((start, i) => Math.min(Math.ceil(bound(i + 1)), input) - start);
  const parts = [pool(short, 1)];
  if (lengths.includes(short + 1)) parts.push(pool(short + 1, 1));
  const index = starts.map((start, i) => (lengths[i] === short ? start : input - short + 1 + start));
  const all = parts.length === 1 ? parts[0]! : graph.node('Concat', parts, { axis });
  return { ...x, value: graph.node('Gather', [all, graph.int64s(index, 'index')], { axis }), shape };
}
