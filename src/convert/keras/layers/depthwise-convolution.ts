import {
  addConvolution,
  convolutionOptions,
  finishConvolution,
  readBias,
  readDataFormat,
  readDepthwiseKernel,
  readWindow,
} from '../convolution.js';
import { fixedSize, floatInput, type LayerConverter } from '../layer.js';
import { axesOf, checkRank, spatialRank, toChannelsFirst } from '../spatial.js';

/** [batch, …spatial, in] → [batch, …spatial, in · depth_multiplier]: each channel has kernels of its own. */
export const depthwiseConvolution: LayerConverter = {
  classNames: ['DepthwiseConv1D', 'DepthwiseConv2D'],
  masks: 'stop',
  options: [...convolutionOptions, 'depth_multiplier'],
  convert(call) {
    const { layer } = call;
    const rank = spatialRank(layer.className);
    const x = floatInput(call);
    checkRank(call, x, rank);
    if (layer.config.integer('groups', 1) !== 1) layer.config.refuse('its groups are not 1');
    const format = readDataFormat(layer.config);
    const window = readWindow(call, rank);
    const groups = fixedSize(call, x, axesOf(format, rank).channels);
    const filters = groups * layer.config.integer('depth_multiplier', 1);
    const name = layer.generation === 2 ? 'depthwise_kernel' : 'kernel';
    const value = readDepthwiseKernel(call, name, window, groups);
    const kernel = { value, filters, groups, bias: readBias(call, filters) };
    return finishConvolution(call, addConvolution(call, toChannelsFirst(call, x, format), kernel, window), format);
  },
};
