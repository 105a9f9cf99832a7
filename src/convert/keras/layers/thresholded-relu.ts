import { floatInput, type LayerConverter } from '../layer.js';

/** any → same shape: x above `theta`, else 0. Keras 2 only. */
export const thresholdedRelu: LayerConverter = {
  classNames: ['ThresholdedReLU'],
  masks: 'pass',
  options: ['theta'],
  convert(call) {
    const { graph, layer } = call;
    const x = floatInput(call);
    const above = graph.node('Greater', [x.value, graph.scalar(layer.config.number('theta', 1))]);
    return [{ ...x, value: graph.node('Where', [above, x.value, graph.scalar(0)]) }];
  },
};
