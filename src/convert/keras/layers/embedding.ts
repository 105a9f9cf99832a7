import { castTensor, type LayerConverter, singleInput } from '../layer.js';

/** [batch, …] of indices → [batch, …, output_dim]; with `mask_zero`, index 0 is masked. */
export const embedding: LayerConverter = {
  classNames: ['Embedding'],
  masks: 'own',
  options: ['input_dim', 'output_dim', 'mask_zero', 'input_length'],
  convert(call) {
    const { graph, layer, weights } = call;
    const { config } = layer;
    const input = singleInput(call);
    const rows = config.integer('input_dim');
    const width = config.integer('output_dim');
    const table = call.constant('embeddings', () => weights.read('embeddings', [rows, width]));
    const whole = input.dtype === 'int32' || input.dtype === 'int64';
    let { value: index } = whole ? input : castTensor(graph, input, 'int32');
    if (layer.generation === 2) {
      // Gather counts negative indices from the end, as Keras 3 does; Keras 2 fails on them, and so must this.
      const type = whole && input.dtype === 'int64' ? 'int64' : 'int32';
      const zero = graph.constant({
        dtype: type,
        shape: [],
        data: type === 'int64' ? BigInt64Array.of(0n) : Int32Array.of(0),
      });
      const outside = graph.constant({
        dtype: type,
        shape: [],
        data: type === 'int64' ? BigInt64Array.of(BigInt(rows)) : Int32Array.of(rows),
      });
      index = graph.node('Where', [graph.node('Less', [index, zero]), outside, index]);
    }
    const output = {
      value: graph.node('Gather', [table, index], { axis: 0 }, { name: layer.name }),
      dtype: 'float32' as const,
      shape: [...input.shape, width],
    };
    if (!config.boolean('mask_zero', false)) return [output];
    // Compared after no cast, as Keras does: 0.4 is index 0 but is not masked.
    const number = whole ? input : castTensor(graph, input, 'float32');
    const zero = graph.constant({
      dtype: number.dtype,
      shape: [],
      data:
        number.dtype === 'int64'
          ? BigInt64Array.of(0n)
          : number.dtype === 'int32'
            ? Int32Array.of(0)
            : Float32Array.of(0),
    });
    const mask = graph.node('Not', [graph.node('Equal', [number.value, zero])], {}, { name: `${layer.name}_mask` });
    return [{ ...output, mask: { value: mask, shape: input.shape } }];
  },
};
