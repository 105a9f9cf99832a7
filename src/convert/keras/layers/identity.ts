import type { LayerConverter } from '../layer.js';

/** any → the input itself. */
export const identity: LayerConverter = {
  classNames: ['Identity'],
  masks: 'pass',
  options: [],
  convert: (call) => [...call.inputs],
};
