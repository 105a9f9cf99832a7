import { type LayerConverter, singleInput } from '../layer.js';
import { range, readDataFormat, transpose } from '../spatial.js';

/** [batch, …] → [batch, all]; channels_first is brought to channels_last before. */
export const flatten: LayerConverter = {
  classNames: ['Flatten'],
  masks: 'stop',
  options: ['data_format'],
  convert(call) {
    const { graph, layer } = call;
    const input = singleInput(call);
    const rank = input.shape.length;
    const first = readDataFormat(layer.config) === 'channels_first' && rank > 2;
    const x = first ? transpose(call, input, [0, ...range(2, rank), 1]) : input;
    const size = x.shape.slice(1).reduce<number | null>((a, b) => (a === null || b === null ? null : a * b), 1);
    const value = graph.node(
      'Reshape',
      [x.value, graph.int64s([rank === 1 ? -1 : 0, size ?? -1])],
      {},
      { name: layer.name },
    );
    return [{ value, dtype: x.dtype, shape: [x.shape[0]!, size] }];
  },
};
