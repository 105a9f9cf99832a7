import { float } from '../../graph-builder.js';
import { floatInput, type LayerConverter } from '../layer.js';

/** any → same shape: x above 0, `alpha · (eˣ − 1)` below. */
export const elu: LayerConverter = {
  classNames: ['ELU'],
  masks: 'pass',
  options: ['alpha'],
  convert(call) {
    const x = floatInput(call);
    const alpha = call.layer.config.number('alpha', 1);
    return [{ ...x, value: call.graph.node('Elu', [x.value], { alpha: float(alpha) }) }];
  },
};
