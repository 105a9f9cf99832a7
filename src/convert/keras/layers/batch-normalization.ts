import type { Tensor } from '../../../tensor.js';
import { fixedSize, floatInput, type LayerConverter } from '../layer.js';

/**
 * any → same shape: `(x − mean) · gamma / √(variance + epsilon) + beta` along `axis`, with the moving statistics. Both
 * constants are formed in float32, as Keras forms them.
 */
export const batchNormalization: LayerConverter = {
  classNames: ['BatchNormalization'],
  masks: 'pass',
  options: [
    'axis',
    'momentum',
    'epsilon',
    'center',
    'scale',
    'synchronized',
    'fused',
    'renorm',
    'renorm_clipping',
    'renorm_momentum',
    'virtual_batch_size',
  ],
  convert(call) {
    const { graph, layer, weights } = call;
    const { config } = layer;
    const x = floatInput(call);
    const rank = x.shape.length;
    const axes = config.integers('axis', [-1]).map((axis) => (axis < 0 ? axis + rank : axis));
    const sizes = axes.map((axis) => fixedSize(call, x, axis));
    // Over several axes Keras keeps the variables in the rank of the input.
    const broadcast = x.shape.map((_, axis) => (axes.includes(axis) ? sizes[axes.indexOf(axis)]! : 1));
    const stored = axes.length === 1 ? sizes : broadcast;
    const length = sizes.reduce((product, size) => product * size, 1);
    const epsilon = Math.fround(config.number('epsilon', 1e-3));
    let known: { factor: Float32Array; offset: Float32Array } | undefined;
    const statistics = (): { factor: Float32Array; offset: Float32Array } => {
      if (known !== undefined) return known;
      const read = (name: string): Float32Array => weights.read(name, stored).data as Float32Array;
      const gamma = config.boolean('scale', true) ? read('gamma') : undefined;
      const beta = config.boolean('center', true) ? read('beta') : undefined;
      const mean = read('moving_mean');
      const variance = read('moving_variance');
      const factor = new Float32Array(length);
      const offset = new Float32Array(length);
      for (let i = 0; i < length; i++) {
        const inverse = Math.fround(1 / Math.sqrt(Math.fround(variance[i]! + epsilon)));
        factor[i] = gamma === undefined ? inverse : inverse * gamma[i]!;
        offset[i] = (beta?.[i] ?? 0) - Math.fround(mean[i]! * factor[i]!);
      }
      known = { factor, offset };
      return known;
    };
    const shape = axes.length === 1 && axes[0] === rank - 1 ? sizes : broadcast;
    const tensor = (data: Float32Array): Tensor => ({ dtype: 'float32', shape, data });
    const factor = call.constant('factor', () => tensor(statistics().factor));
    const offset = call.constant('offset', () => tensor(statistics().offset));
    const value = graph.node('Add', [graph.node('Mul', [x.value, factor]), offset], {}, { name: layer.name });
    return [{ value, dtype: x.dtype, shape: x.shape }];
  },
};
