import { onnxTypes, type Value } from '../../graph-builder.js';
import { floatInput, type KerasTensor, type LayerCall, type LayerConverter } from '../layer.js';
import { axesOf, checkRank, type DataFormat, range, readDataFormat, spatialRank } from '../spatial.js';
import { writtenSince } from '../version.js';

/** [batch, …spatial, channels] → [batch, channels], or the same rank with sizes of 1 (`keepdims`). */
export const globalPooling: LayerConverter = {
  classNames: [
    'GlobalMaxPooling1D',
    'GlobalMaxPooling2D',
    'GlobalMaxPooling3D',
    'GlobalAveragePooling1D',
    'GlobalAveragePooling2D',
    'GlobalAveragePooling3D',
  ],
  masks: 'stop',
  options: ['data_format', 'keepdims'],
  convert(call) {
    const { graph, layer } = call;
    const rank = spatialRank(layer.className);
    const x = floatInput(call);
    checkRank(call, x, rank);
    const format = readDataFormat(layer.config);
    const keepdims = layer.config.boolean('keepdims', false);
    const { first } = axesOf(format, rank);
    const axes = range(first, first + rank);
    const shape = x.shape.flatMap((size, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [size]));
    const over = graph.int64s(axes, 'axes');
    const reduce = (operator: string, value: Value): Value =>
      graph.node(operator, [value, over], { keepdims: keepdims ? 1 : 0 }, { name: layer.name });
    let value: Value;
    if (layer.className === 'GlobalAveragePooling1D' && x.mask !== undefined) {
      value = maskedMean(call, x, format, reduce);
    } else {
      value = reduce(layer.className.startsWith('GlobalMax') ? 'ReduceMax' : 'ReduceMean', x.value);
    }
    return [{ value, dtype: x.dtype, shape }];
  },
};

/** The mean of the steps that count; no step at all gives NaN, as in Keras. */
function maskedMean(
  call: LayerCall,
  x: KerasTensor,
  format: DataFormat,
  reduce: (operator: string, value: Value) => Value,
): Value {
  const { graph, layer } = call;
  if (x.mask!.shape.length !== 2) layer.config.refuse('its mask is not [batch, time]');
  const axis = graph.int64s([format === 'channels_last' ? 2 : 1], 'axes');
  const mask = graph.node('Unsqueeze', [x.mask!.value, axis]);
  const weights = graph.node('Cast', [mask], { to: onnxTypes.float32 });
  // Until 3.15 Keras multiplied, so that NaN in a masked step spread; since then it replaces.
  const kept = !writtenSince(layer, 3, 15)
    ? graph.node('Mul', [x.value, weights])
    : graph.node('Where', [mask, x.value, graph.scalar(0)]);
  return graph.node('Div', [reduce('ReduceSum', kept), reduce('ReduceSum', weights)]);
}
