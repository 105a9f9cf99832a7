import { float } from '../../graph-builder.js';
import { floatInput, type LayerConverter } from '../layer.js';

/** any → same shape. Keras 2 calls the slope `alpha`. */
export const leakyRelu: LayerConverter = {
  classNames: ['LeakyReLU'],
  masks: 'pass',
  options: ['alpha', 'negative_slope'],
  convert(call) {
    const { config } = call.layer;
    const x = floatInput(call);
    const slope = config.number('negative_slope', config.number('alpha', 0.3));
    return [{ ...x, value: call.graph.node('LeakyRelu', [x.value], { alpha: float(slope) }) }];
  },
};
