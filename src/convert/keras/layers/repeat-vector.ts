import { type LayerConverter, singleInput } from '../layer.js';

/** [batch, features] → [batch, n, features]. */
export const repeatVector: LayerConverter = {
  classNames: ['RepeatVector'],
  masks: 'stop',
  options: ['n'],
  convert(call) {
    const { graph, layer } = call;
    const x = singleInput(call);
    const [n = 1] = layer.config.sizes('n', 1);
    if (x.shape.length !== 2) layer.config.refuse(`its input has ${x.shape.length} dimensions, not 2`);
    const row = graph.node('Unsqueeze', [x.value, graph.int64s([1], 'axes')]);
    const value = graph.node('Expand', [row, graph.int64s([1, n, 1])], {}, { name: layer.name });
    return [{ value, dtype: x.dtype, shape: [x.shape[0]!, n, x.shape[1]!] }];
  },
};
