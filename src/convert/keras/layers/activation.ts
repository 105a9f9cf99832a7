import { applyActivation } from '../activation.js';
import { floatInput, type LayerConverter } from '../layer.js';

/** any → same shape. */
export const activation: LayerConverter = {
  classNames: ['Activation'],
  masks: 'pass',
  options: ['activation'],
  convert: (call) => [applyActivation(call, call.layer.config.get('activation'), floatInput(call))],
};
