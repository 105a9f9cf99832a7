import {
  convolutionOptions,
  finishConvolution,
  kernelOrder,
  readBias,
  readDataFormat,
  readWindow,
} from '../convolution.js';
import { fixedSize, floatInput, type LayerConverter } from '../layer.js';
import { axesOf, checkRank, spatialRank, spatialSizes, toChannelsFirst, transposeTensor } from '../spatial.js';

/**
 * [batch, …spatial, in] → [batch, …spatial, filters]: the gradient of a convolution, as TensorFlow has it. Sizes follow
 * keras/src/backend/common/backend_utils.py: `valid` gives (n − 1) · stride + max(kernel, stride), `same` n · stride;
 * `output_padding` replaces both by (n − 1) · stride + kernel (or kernel mod 2) + output_padding.
 */
export const transposedConvolution: LayerConverter = {
  classNames: ['Conv1DTranspose', 'Conv2DTranspose', 'Conv3DTranspose'],
  masks: 'stop',
  options: [...convolutionOptions, 'filters', 'output_padding'],
  convert(call) {
    const { graph, layer, weights } = call;
    const rank = spatialRank(layer.className);
    const x = floatInput(call);
    checkRank(call, x, rank);
    if (layer.config.integer('groups', 1) !== 1) layer.config.refuse('its groups are not 1');
    const format = readDataFormat(layer.config);
    const { size, strides, dilation, padding } = readWindow(call, rank);
    if (padding === 'causal') layer.config.refuse('padding "causal" is not known here');
    const filters = layer.config.integer('filters');
    const channels = fixedSize(call, x, axesOf(format, rank).channels);
    const extra = layer.config.get('output_padding') === null ? null : layer.config.spatial('output_padding', rank);
    if (extra?.some((size) => size < 0)) layer.config.refuse('its output_padding is negative');
    const begins: number[] = [];
    const ends: number[] = [];
    const outputPadding: number[] = [];
    const first = toChannelsFirst(call, x, format);
    const sizes = spatialSizes(first, 'channels_first').map((input, i) => {
      const reach = (size[i]! - 1) * dilation[i]! + 1;
      // What the output has beyond (n − 1) · stride: the same for every n.
      const tail =
        extra === null
          ? padding === 'valid'
            ? Math.max(reach, strides[i]!)
            : strides[i]!
          : (padding === 'valid' ? reach : reach % 2) + extra[i]!;
      const cut = padding === 'valid' ? 0 : Math.max(reach - tail, 0);
      begins.push(Math.floor(cut / 2));
      ends.push(cut - Math.floor(cut / 2));
      outputPadding.push(tail - reach + cut);
      return input === null ? null : (input - 1) * strides[i]! + tail;
    });
    const kernel = call.constant('kernel', () =>
      transposeTensor(weights.read('kernel', [...size, filters, channels]), kernelOrder(rank)),
    );
    const bias = readBias(call, filters);
    const value = graph.node(
      'ConvTranspose',
      bias === undefined ? [first.value, kernel] : [first.value, kernel, bias],
      { kernel_shape: size, strides, dilations: dilation, pads: [...begins, ...ends], output_padding: outputPadding },
      { name: layer.name },
    );
    return finishConvolution(call, { value, dtype: x.dtype, shape: [x.shape[0]!, filters, ...sizes] }, format);
  },
};
