import {
  addConvolution,
  convolutionOptions,
  finishConvolution,
  kernelOrder,
  readBias,
  readDataFormat,
  readDepthwiseKernel,
  readWindow,
} from '../convolution.js';
import { fixedSize, floatInput, type LayerConverter } from '../layer.js';
import { axesOf, checkRank, spatialRank, toChannelsFirst, transposeTensor } from '../spatial.js';

/** [batch, …spatial, in] → [batch, …spatial, filters]: a depthwise convolution, then one of kernel size 1. */
export const separableConvolution: LayerConverter = {
  classNames: ['SeparableConv1D', 'SeparableConv2D'],
  masks: 'stop',
  options: [...convolutionOptions, 'filters', 'depth_multiplier'],
  convert(call) {
    const { layer, weights } = call;
    const rank = spatialRank(layer.className);
    const x = floatInput(call);
    checkRank(call, x, rank);
    if (layer.config.integer('groups', 1) !== 1) layer.config.refuse('its groups are not 1');
    const format = readDataFormat(layer.config);
    const window = readWindow(call, rank);
    const channels = fixedSize(call, x, axesOf(format, rank).channels);
    const filters = layer.config.integer('filters');
    const inner = channels * layer.config.integer('depth_multiplier', 1);
    const depthwise = readDepthwiseKernel(call, 'depthwise_kernel', window, channels);
    const ones = window.size.map(() => 1);
    const pointwise = call.constant('pointwise_kernel', () =>
      transposeTensor(weights.read('pointwise_kernel', [...ones, inner, filters]), kernelOrder(rank)),
    );
    const bias = readBias(call, filters);
    const first = toChannelsFirst(call, x, format);
    const middle = addConvolution(call, first, { value: depthwise, filters: inner, groups: channels }, window);
    const plain = { size: ones, strides: ones, dilation: ones, padding: 'valid' } as const;
    const output = addConvolution(call, middle, { value: pointwise, filters, groups: 1, bias }, plain);
    return finishConvolution(call, output, format);
  },
};
