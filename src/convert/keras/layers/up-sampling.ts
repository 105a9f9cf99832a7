import { float } from '../../graph-builder.js';
import { floatInput, type KerasTensor, type LayerConverter } from '../layer.js';
import { interpolations, resizeImage } from '../resize.js';
import { axesOf, checkRank, fromChannelsFirst, readDataFormat, spatialRank, toChannelsFirst } from '../spatial.js';

/**
 * [batch, …spatial, channels] → spatial sizes times `size`. Nearest repeats every element; the other interpolations (2D
 * alone) are TensorFlow's `tf.image.resize`.
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
    const interpolation = layer.config.choice('interpolation', interpolations, 'nearest');
    const nearest = interpolation === 'nearest';
    const place = nearest ? format : 'channels_first';
    const input = nearest ? x : toChannelsFirst(call, x, format);
    const { first } = axesOf(place, rank);
    const scales = input.shape.map((_, axis) => factors[axis - first] ?? 1);
    const shape = input.shape.map((size, axis) => (size === null ? null : size * scales[axis]!));
    const [height, width] = shape.slice(2) as (number | null)[];
    let output: KerasTensor;
    if (nearest || interpolation === 'bilinear' || isFree(height, width, factors)) {
      if (!nearest && interpolation !== 'bilinear' && interpolation !== 'bicubic') {
        layer.config.refuse(`interpolation "${interpolation}" needs an input of fixed size`);
      }
      const constant = graph.constant({ dtype: 'float32', shape: [scales.length], data: Float32Array.from(scales) });
      const value = graph.node('Resize', [input.value, '', constant], modes[interpolation], { name: layer.name });
      output = { value, dtype: x.dtype, shape };
    } else {
      if (height == null || width == null) {
        return layer.config.refuse(`interpolation "${interpolation}" by ${factors.join(' × ')} needs fixed sizes`);
      }
      output = resizeImage(call, input, [height, width], interpolation);
    }
    return [nearest ? output : fromChannelsFirst(call, output, format)];
  },
};

const modes: Readonly<Record<string, Readonly<Record<string, string | number | ReturnType<typeof float>>>>> = {
  nearest: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  bilinear: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
  bicubic: {
    mode: 'cubic',
    coordinate_transformation_mode: 'half_pixel',
    cubic_coeff_a: float(-0.5),
    exclude_outside: 1,
  },
};

/**
 * Whether a size is free though ONNX's own operator will do: TensorFlow rounds the places of bicubic weights to 1/1024,
 * which changes nothing for powers of 2.
 */
function isFree(height: number | null | undefined, width: number | null | undefined, factors: readonly number[]) {
  return (height == null || width == null) && factors.every((factor) => Number.isInteger(Math.log2(factor)));
}
