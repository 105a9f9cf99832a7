import { isObject, type JsonObject, nameOf } from './config.js';
import { operatorRegistry } from './operators/index.js';
import { layerRegistry } from './registry.js';

/**
 * Is this entry of a model's layers an operator of `keras.ops`? `Add` is the name of a layer too; the module tells
 * them apart. An `.h5` of Keras 3 has no modules: there an operator is what is no layer, or lacks an option that every
 * layer has.
 */
export function isOperation(json: JsonObject): boolean {
  if (typeof json.module === 'string') return /^keras\.(src\.)?(ops|activations)\b/.test(json.module);
  const className = nameOf(json.class_name);
  if (!operatorRegistry.has(className)) return false;
  const [node] = Array.isArray(json.inbound_nodes) ? json.inbound_nodes : [];
  if (!isObject(node) || !Array.isArray(node.args)) return false;
  return !layerRegistry.has(className) || !isObject(json.config) || !('trainable' in json.config);
}
