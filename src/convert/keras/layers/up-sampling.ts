import { float } from '../../graph-builder.js';
import { floatInput, type LayerConverter } from '../layer.js';
import { axesOf, checkRank, fromChannelsFirst, readDataFormat, spatialRank, toChannelsFirst } from '../spatial.js';

/**
 * [batch, …spatial, channels] → spatial sizes times `size`. Nearest repeats every element; bilinear and bicubic (2D
 * alone) are TensorFlow's `tf.image.resize`: half-pixel centres, no antialiasing, a = −0.5.
 */
export const upSampling: LayerConverter = {
  classNames: ['UpSampling1D', 'UpSampling2D', 'UpSampling3D'],
  masks: 'stop',
  options: ['size', 'data_format', 'interpolation'],
  convert(call) {
    const { graph, layer } = call;
    const rank = spatialRank(layer.className);
    const x = floatInput(call);
    checkRank(call, x, rank);
    const format = readDataFormat(layer.config);
    const factors = layer.config.sizes('size', rank);
    const interpolation = layer.config.string('interpolation', 'nearest');
    if (interpolation !== 'nearest' && interpolation !== 'bilinear' && interpolation !== 'bicubic') {
      layer.config.refuse(`interpolation "${interpolation}" is none of nearest, bilinear, bicubic`);
    }
    const nearest = interpolation === 'nearest';
    const place = nearest ? format : 'channels_first';
    const input = nearest ? x : toChannelsFirst(call, x, format);
    const { first } = axesOf(place, rank);
    const scales = input.shape.map((_, axis) => factors[axis - first] ?? 1);
    const shape = input.shape.map((size, axis) => (size === null ? null : size * scales[axis]!));
    const constant = graph.constant({ dtype: 'float32', shape: [scales.length], data: Float32Array.from(scales) });
    const attributes = nearest
      ? { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
      : interpolation === 'bilinear'
        ? { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }
        : {
            mode: 'cubic',
            coordinate_transformation_mode: 'half_pixel',
            cubic_coeff_a: float(-0.5),
            exclude_outside: 1,
          };
    const value = graph.node('Resize', [input.value, '', constant], attributes, { name: layer.name });
    const output = { value, dtype: x.dtype, shape };
    return [nearest ? output : fromChannelsFirst(call, output, format)];
  },
};
