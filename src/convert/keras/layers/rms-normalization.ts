import { fixedSize, floatInput, type LayerConverter } from '../layer.js';
import { meanOver, reciprocalRoot } from '../moments.js';

/** any → same shape: `x / √(mean(x²) + epsilon) · scale` over `axis`. */
export const rmsNormalization: LayerConverter = {
  classNames: ['RMSNormalization'],
  masks: 'stop',
  options: ['axis', 'epsilon'],
  convert(call) {
    const { graph, layer, weights } = call;
    const x = floatInput(call);
    const rank = x.shape.length;
    const axes = layer.config
      .integers('axis', [-1])
      .map((axis) => (axis < 0 ? axis + rank : axis))
      .sort((a, b) => a - b);
    // Keras multiplies by the scale without placing it on its axes.
    if (axes.some((axis, i) => axis !== rank - axes.length + i)) layer.config.refuse('its axes are not the last ones');
    const sizes = axes.map((axis) => fixedSize(call, x, axis));
    const scale = call.constant('scale', () => weights.read('scale', sizes));
    const squares = meanOver(graph, graph.node('Mul', [x.value, x.value]), axes);
    const root = reciprocalRoot(graph, squares, layer.config.number('epsilon', 1e-6));
    const value = graph.node('Mul', [graph.node('Mul', [x.value, root]), scale], {}, { name: layer.name });
    return [{ ...x, value }];
  },
};
