import { readEdges } from '../edges.js';
import { type LayerConverter, singleInput } from '../layer.js';
import { axesOf, checkRank, range, readDataFormat, refuseSmaller, spatialRank } from '../spatial.js';

/** [batch, …spatial, channels] → the same, cut at the edges of the spatial axes. */
export const cropping: LayerConverter = {
  classNames: ['Cropping1D', 'Cropping2D', 'Cropping3D'],
  masks: 'stop',
  options: ['cropping', 'data_format'],
  convert(call) {
    const { graph, layer } = call;
    const rank = spatialRank(layer.className);
    const given = singleInput(call);
    checkRank(call, given, rank);
    const { first } = axesOf(readDataFormat(layer.config), rank);
    const edges = readEdges(call, 'cropping', rank);
    const leasts = edges.map(([before, after]) => before + after + 1);
    const x = refuseSmaller(call, given, first, leasts);
    const shape = x.shape.map((size, axis) => {
      const edge = edges[axis - first];
      if (edge === undefined || size === null) return size;
      const left = size - edge[0] - edge[1];
      if (left < 1) layer.config.refuse(`nothing is left of the size ${size}`);
      return left;
    });
    const starts = graph.int64s(
      edges.map(([before]) => before),
      'starts',
    );
    const ends = graph.int64s(
      edges.map(([, after]) => (after === 0 ? Number.MAX_SAFE_INTEGER : -after)),
      'ends',
    );
    const axes = graph.int64s(range(first, first + rank), 'axes');
    const value = graph.node('Slice', [x.value, starts, ends, axes], {}, { name: layer.name });
    return [{ value, dtype: x.dtype, shape }];
  },
};
