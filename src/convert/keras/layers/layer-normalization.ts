import type { Value } from '../../graph-builder.js';
import { float } from '../../graph-builder.js';
import { fixedSize, floatInput, type LayerConverter } from '../layer.js';
import { meanOver, reciprocalRoot } from '../moments.js';

/**
 * any → same shape: mean 0 and variance 1 over `axis`, then `gamma` and `beta`. With `rms_scaling` the input is divided
 * by the deviation alone and keeps its mean, as Keras does it.
 */
export const layerNormalization: LayerConverter = {
  classNames: ['LayerNormalization'],
  masks: 'pass',
  options: ['axis', 'epsilon', 'center', 'scale', 'rms_scaling'],
  convert(call) {
    const { graph, layer, weights } = call;
    const { config } = layer;
    const x = floatInput(call);
    const rank = x.shape.length;
    const axes = config
      .integers('axis', [-1])
      .map((axis) => (axis < 0 ? axis + rank : axis))
      .sort((a, b) => a - b);
    const sizes = axes.map((axis) => fixedSize(call, x, axis));
    const rms = config.boolean('rms_scaling', false);
    const trailing = axes.every((axis, i) => axis === rank - axes.length + i);
    const shape = trailing ? sizes : x.shape.map((size, axis) => (axes.includes(axis) ? size! : 1));
    const read = (name: string): Value => call.constant(name, () => ({ ...weights.read(name, sizes), shape }));
    const gamma = config.boolean('scale', true) || rms ? read('gamma') : undefined;
    const beta = config.boolean('center', true) && !rms ? read('beta') : undefined;
    const epsilon = config.number('epsilon', 1e-3);
    const options = { name: layer.name };
    if (trailing && !rms && gamma !== undefined) {
      const inputs = [x.value, gamma, ...(beta === undefined ? [] : [beta])];
      const attributes = { axis: rank - axes.length, epsilon: float(epsilon) };
      return [{ ...x, value: graph.node('LayerNormalization', inputs, attributes, options) }];
    }
    const centred = graph.node('Sub', [x.value, meanOver(graph, x.value, axes)]);
    const variance = meanOver(graph, graph.node('Mul', [centred, centred]), axes);
    let value = graph.node('Mul', [rms ? x.value : centred, reciprocalRoot(graph, variance, epsilon)], {}, options);
    if (gamma !== undefined) value = graph.node('Mul', [value, gamma]);
    if (beta !== undefined) value = graph.node('Add', [value, beta]);
    return [{ ...x, value }];
  },
};
