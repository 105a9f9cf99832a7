import type { LayerConverter } from '../layer.js';
import { keptMask } from '../version.js';

/** any → the input itself. */
export const identity: LayerConverter = {
  classNames: ['Identity'],
  masks: 'own',
  options: [],
  convert: (call) => call.inputs.map(({ mask: _, ...input }) => ({ ...input, ...keptMask(call, call.inputs[0]!) })),
};
