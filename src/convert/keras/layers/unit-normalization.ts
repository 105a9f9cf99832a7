import { floatInput, type LayerConverter } from '../layer.js';
import { normalizeLength } from '../moments.js';
import { writtenSince } from '../version.js';

/** any → same shape: divided by its Euclidean length over `axis`. */
export const unitNormalization: LayerConverter = {
  classNames: ['UnitNormalization'],
  masks: 'pass',
  options: ['axis'],
  convert(call) {
    const x = floatInput(call);
    const axes = call.layer.config.integers('axis', [-1]);
    const floor = writtenSince(call.layer, 3, 6) ? { length: 1e-12 } : { square: 1e-12 };
    return [{ ...x, value: normalizeLength(call.graph, x.value, axes, floor) }];
  },
};
