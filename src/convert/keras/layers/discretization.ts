import { onnxTypes } from '../../graph-builder.js';
import { encodeCategories } from '../categories.js';
import { floatInput, type LayerConverter } from '../layer.js';

/** any → the index of the bin of every element (int64), or that index encoded as CategoryEncoding does. */
export const discretization: LayerConverter = {
  classNames: ['Discretization'],
  masks: 'stop',
  options: ['bin_boundaries', 'num_bins', 'epsilon', 'output_mode'],
  convert(call) {
    const { graph, layer } = call;
    const { config } = layer;
    const bins = config.get('bin_boundaries');
    if (!Array.isArray(bins) || !bins.every((bin) => typeof bin === 'number')) {
      return config.refuse('it has no bin_boundaries: adapt() was not called, or its result is not in the file');
    }
    if (config.get('sparse') === true) config.refuse('its output is sparse');
    const x = floatInput(call);
    const mode = config.choice('output_mode', ['int', 'one_hot', 'multi_hot', 'count'], 'int');
    const bounds = graph.constant({
      dtype: 'float32',
      shape: [bins.length],
      data: Float32Array.from(bins as number[]),
    });
    const column = graph.node('Unsqueeze', [x.value, graph.int64s([-1], 'axes')]);
    // A bin holds its lower bound. NaN is below no bound, and so in the last bin, as in TensorFlow.
    const passed = graph.node('Cast', [graph.node('Not', [graph.node('Less', [column, bounds])])], {
      to: onnxTypes.int64,
    });
    const index = graph.node('ReduceSum', [passed, graph.int64s([-1], 'axes')], { keepdims: 0 }, { name: layer.name });
    const indices = { value: index, dtype: 'int64' as const, shape: x.shape };
    return [mode === 'int' ? indices : encodeCategories(call, indices, mode, bins.length + 1)];
  },
};
