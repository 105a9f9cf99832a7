import { floatInput, type LayerConverter } from '../layer.js';
import {
  axesOf,
  checkRank,
  fromChannelsFirst,
  placeWindow,
  readDataFormat,
  refuseSmaller,
  spatialRank,
  spatialSizes,
  toChannelsFirst,
} from '../spatial.js';

/**
 * [batch, …spatial, channels] → the same with smaller spatial sizes. With padding "same" the elements beyond the edge
 * are neither counted nor compared, as in TensorFlow.
 */
export const pooling: LayerConverter = {
  classNames: [
    'MaxPooling1D',
    'MaxPooling2D',
    'MaxPooling3D',
    'AveragePooling1D',
    'AveragePooling2D',
    'AveragePooling3D',
  ],
  masks: 'stop',
  options: ['pool_size', 'strides', 'padding', 'data_format'],
  convert(call) {
    const { graph, layer } = call;
    const { config } = layer;
    const rank = spatialRank(layer.className);
    const x = floatInput(call);
    checkRank(call, x, rank);
    const format = readDataFormat(config);
    const size = config.sizes('pool_size', rank);
    const strides = config.get('strides') === null ? size : config.sizes('strides', rank);
    const padding = config.choice('padding', ['valid', 'same'], 'valid');
    const whole = padding === 'valid' ? refuseSmaller(call, x, axesOf(format, rank).first, size) : x;
    const first = toChannelsFirst(call, whole, format);
    const window = { size, strides, dilation: size.map(() => 1), padding };
    const { attributes, sizes } = placeWindow(call, spatialSizes(first, 'channels_first'), window);
    const operator = layer.className.startsWith('Max') ? 'MaxPool' : 'AveragePool';
    const value = graph.node(operator, [first.value], attributes, { name: layer.name });
    const output = { value, dtype: x.dtype, shape: [...first.shape.slice(0, 2), ...sizes] };
    return [fromChannelsFirst(call, output, format)];
  },
};
