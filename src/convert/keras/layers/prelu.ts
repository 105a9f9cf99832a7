import { fixedSize, floatInput, type LayerConverter } from '../layer.js';

/** any → same shape: x above 0, `alpha · x` below; alpha has the input's shape, 1 along `shared_axes`. */
export const prelu: LayerConverter = {
  classNames: ['PReLU'],
  masks: 'pass',
  options: ['shared_axes'],
  convert(call) {
    const { graph, layer, weights } = call;
    const x = floatInput(call);
    const shared = layer.config.integers('shared_axes', []);
    const shape = x.shape.slice(1).map((_, i) => (shared.includes(i + 1) ? 1 : fixedSize(call, x, i + 1)));
    const alpha = call.constant('alpha', () => weights.read('alpha', shape));
    return [{ ...x, value: graph.node('PRelu', [x.value, alpha]) }];
  },
};
