import { floatInput, type LayerConverter } from '../layer.js';
import { above } from '../rectify.js';

/** any → same shape: x above `theta`, else 0. Keras 2 only. */
export const thresholdedRelu: LayerConverter = {
  classNames: ['ThresholdedReLU'],
  masks: 'pass',
  options: ['theta'],
  convert(call) {
    const x = floatInput(call);
    return [{ ...x, value: above(call.graph, x.value, call.layer.config.number('theta', 1)) }];
  },
};
