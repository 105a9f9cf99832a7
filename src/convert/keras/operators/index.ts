import type { JsonObject } from '../config.js';
import type { LayerConverter } from '../layer.js';

/** Operators of `keras.ops` (`Add` in `keras.src.ops.numpy`) share class names with layers; the module tells. */
export function isOperation(json: JsonObject): boolean {
  return typeof json.module === 'string' && /^keras\.(src\.)?(ops|activations)\b/.test(json.module);
}

export const operators: LayerConverter = {
  classNames: [],
  masks: 'stop',
  options: [],
  convert: (call) => call.layer.config.refuse('operators are not there yet'),
};
