import { castTensor, fixedSize, type KerasTensor, type LayerCall, type LayerConverter, singleInput } from '../layer.js';
import { type Interpolation, interpolations, resizeImage } from '../resize.js';
import { checkRank, fromChannelsFirst, readDataFormat, toChannelsFirst } from '../spatial.js';
import { writtenSince } from '../version.js';

/**
 * [batch, height, width, channels] → the size of the options. Resizing stretches, or cuts to the proportions of the
 * target before (`crop_to_aspect_ratio`). CenterCrop cuts out the middle.
 * RandomCrop, which is random in training only, cuts to the proportions and stretches in Keras 2, and does nothing since
 * 3.8; CenterCrop does the former where the image is too small.
 */
export const resizing: LayerConverter = {
  classNames: ['Resizing', 'CenterCrop', 'RandomCrop'],
  masks: 'stop',
  // The filling acts with `pad_to_aspect_ratio` alone.
  options: [
    'height',
    'width',
    'interpolation',
    'crop_to_aspect_ratio',
    'pad_to_aspect_ratio',
    'fill_mode',
    'fill_value',
    'antialias',
    'data_format',
  ],
  convert(call) {
    const { config, className } = call.layer;
    const given = singleInput(call);
    checkRank(call, given, 2);
    if (className === 'RandomCrop' && call.layer.generation === 3) {
      if (!writtenSince(call.layer, 3, 8)) config.refuse('Keras before 3.8 cuts and stretches images in several ways');
      return [castTensor(call.graph, given, 'float32')];
    }
    if (config.boolean('pad_to_aspect_ratio', false)) config.refuse('pad_to_aspect_ratio is not supported');
    if (config.boolean('antialias', false)) config.refuse('antialias is not supported');
    const format = readDataFormat(config);
    const size = [config.sizes('height', 1)[0]!, config.sizes('width', 1)[0]!] as const;
    const interpolation = config.choice('interpolation', interpolations, 'bilinear');
    const x = toChannelsFirst(call, castTensor(call.graph, given, 'float32'), format);
    if (className === 'Resizing' && !config.boolean('crop_to_aspect_ratio', false)) {
      return [fromChannelsFirst(call, resizeImage(call, x, size, interpolation), format)];
    }
    const [height, width] = [fixedSize(call, x, 2), fixedSize(call, x, 3)];
    if (className === 'CenterCrop' && height >= size[0] && width >= size[1]) {
      return [fromChannelsFirst(call, cutMiddle(call, x, size), format)];
    }
    return [fromChannelsFirst(call, cutAndResize(call, x, size, interpolation), format)];
  },
};

/** The part of [batch, channels, height, width] in its middle; an odd pixel more stays at the end. */
function cutMiddle(call: LayerCall, x: KerasTensor, size: readonly [number, number]): KerasTensor {
  const { graph } = call;
  const starts = size.map((length, i) => Math.floor((fixedSize(call, x, i + 2) - length) / 2));
  if (starts.every((start, i) => start === 0 && size[i] === x.shape[i + 2])) return x;
  const ends = starts.map((start, i) => start + size[i]!);
  const bounds = [graph.int64s(starts, 'starts'), graph.int64s(ends, 'ends'), graph.int64s([2, 3], 'axes')];
  return { value: graph.node('Slice', [x.value, ...bounds]), dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...size] };
}

/** Source: `smart_resize` in keras/utils/image_utils.py. */
function cutAndResize(
  call: LayerCall,
  x: KerasTensor,
  size: readonly [number, number],
  interpolation: Interpolation,
): KerasTensor {
  const [height, width] = [fixedSize(call, x, 2), fixedSize(call, x, 3)];
  const part = [
    Math.max(Math.min(height, Math.trunc((width * size[0]) / size[1])), 1),
    Math.max(Math.min(width, Math.trunc((height * size[1]) / size[0])), 1),
  ] as const;
  return resizeImage(call, cutMiddle(call, x, part), size, interpolation);
}
