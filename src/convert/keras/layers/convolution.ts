import {
  addConvolution,
  convolutionOptions,
  finishConvolution,
  kernelOrder,
  readBias,
  readDataFormat,
  readWindow,
} from '../convolution.js';
import { fixedSize, floatInput, type LayerConverter } from '../layer.js';
import { axesOf, checkRank, spatialRank, toChannelsFirst, transposeTensor } from '../spatial.js';

/** [batch, …spatial, in] → [batch, …spatial, filters]; with channels_first the channels stand second. */
export const convolution: LayerConverter = {
  classNames: ['Conv1D', 'Conv2D', 'Conv3D'],
  masks: 'stop',
  options: [...convolutionOptions, 'filters'],
  convert(call) {
    const { layer, weights } = call;
    const rank = spatialRank(layer.className);
    const x = floatInput(call);
    checkRank(call, x, rank);
    const format = readDataFormat(layer.config);
    const window = readWindow(call, rank);
    const filters = layer.config.integer('filters');
    const groups = layer.config.integer('groups', 1);
    if (groups < 1 || filters < 1) layer.config.refuse('its groups and filters must be 1 or more');
    const channels = fixedSize(call, x, axesOf(format, rank).channels);
    const value = call.constant('kernel', () =>
      transposeTensor(weights.read('kernel', [...window.size, channels / groups, filters]), kernelOrder(rank)),
    );
    const kernel = { value, filters, groups, bias: readBias(call, filters) };
    return finishConvolution(call, addConvolution(call, toChannelsFirst(call, x, format), kernel, window), format);
  },
};
