import { readEdges } from '../edges.js';
import { type LayerConverter, singleInput } from '../layer.js';
import { axesOf, checkRank, readDataFormat, spatialRank } from '../spatial.js';

/** [batch, …spatial, channels] → the same with zeros at the edges of the spatial axes. */
export const zeroPadding: LayerConverter = {
  classNames: ['ZeroPadding1D', 'ZeroPadding2D', 'ZeroPadding3D'],
  masks: 'stop',
  options: ['padding', 'data_format'],
  convert(call) {
    const { graph, layer } = call;
    const rank = spatialRank(layer.className);
    const x = singleInput(call);
    checkRank(call, x, rank);
    const { first } = axesOf(readDataFormat(layer.config), rank);
    const edges = readEdges(call, 'padding', rank);
    const all = x.shape.map((_, axis) => edges[axis - first] ?? [0, 0]);
    const pads = graph.int64s([...all.map(([before]) => before), ...all.map(([, after]) => after)], 'pads');
    const shape = x.shape.map((size, axis) => (size === null ? null : size + all[axis]![0] + all[axis]![1]));
    const value = graph.node('Pad', [x.value, pads], {}, { name: layer.name });
    return [{ value, dtype: x.dtype, shape }];
  },
};
