import { VitrinaError } from '../../errors.js';
import { isObject, type Json, type JsonObject } from '../keras/config.js';

/** Packages whose modules Keras itself names in a config. */
const packages = /^(keras|tf_keras|keras_core|tensorflow\.keras|tensorflow\.python\.keras)(\.|$)/;

/** Parts of Keras that read, write or fetch files, or load other models: no config of an honest model names them. */
const dangerousModule =
  /\.(utils|saving|distribute|trainers|callbacks|datasets|applications|export|wrappers\.sklearn\w*)(\.|$)/;

/** Classes of Keras that load a model, a pickle or code from elsewhere, and what they load. */
const dangerousClasses: Readonly<Record<string, string>> = {
  TFSMLayer: 'a SavedModel in another folder',
  TorchModuleWrapper: 'a pickle of PyTorch',
  JaxLayer: 'a function of JAX',
  FlaxLayer: 'a function of Flax',
};

/** TensorFlow functions by name, in the layers that call one: those that touch files, or run Python. */
const dangerousOperation =
  /(^|[^a-z])(io|gfile|raw_ops|saved_model|load_op_library|load_library|py_func|py_function|numpy_function|read_?file|write_?file|matching_?files|eager_?py_?func|restore_?v2|save_?v2)([^a-z]|$)/i;
const operationLayers: ReadonlySet<string> = new Set([
  'TFOpLambda',
  'SlicingOpLambda',
  'ClassMethod',
  'InstanceMethod',
  'InstanceProperty',
  'TensorFlowOpLayer',
]);

/** Keras 2.11 to 2.15 registered its own optimizers as if they were a user's. */
const ownOptimizers =
  /^Custom>(Adadelta|Adafactor|Adagrad|Adam|AdamW|Adamax|Ftrl|Lion|LossScaleOptimizer|Nadam|RMSprop|SGD)$/;

/** Functions of Python itself that a config can name, since `builtins` is a module like any other. */
const builtins: ReadonlySet<string> = new Set(
  (
    '__import__ breakpoint callable classmethod compile delattr dict dir eval exec exit getattr globals hasattr help ' +
    'input locals memoryview object open print property quit setattr staticmethod super type vars'
  ).split(' '),
);

/**
 * Walks the architecture of a Keras model for what runs code when the model is loaded: Lambda layers and lambdas,
 * classes and functions that are not of Keras, modules that it should import.
 *
 * @throws VitrinaError `artefact-unsafe`, which names the layer
 */
export function scanKerasConfig(architecture: Json): void {
  // The parser capped nesting, so the walk may recurse; the walk is iterative all the same, and follows no shape.
  const pending: { json: Json; layer: string }[] = [{ json: architecture, layer: 'the model' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { json } = next;
    let { layer } = next;
    if (Array.isArray(json)) {
      for (const item of json) pending.push({ json: item, layer });
      continue;
    }
    if (!isObject(json)) continue;
    const name = isObject(json.config) ? json.config.name : json.name;
    if (typeof json.class_name === 'string' && typeof name === 'string') layer = `layer "${name.slice(0, 80)}"`;
    checkObject(json, layer);
    for (const value of Object.values(json)) pending.push({ json: value, layer });
  }
}

function checkObject(json: JsonObject, layer: string): void {
  const { class_name: className, module, registered_name: registered, config } = json;
  const unsafe = (what: string, next: string): VitrinaError =>
    new VitrinaError('artefact-unsafe', { format: 'Keras', what: `${what} (${layer})`, next });
  if (className === 'Lambda' || className === '__lambda__') {
    throw unsafe('a Lambda of Python code', 'replace it by Keras layers or by operators of keras.ops');
  }
  // Keras 2 writes the code of a Lambda as the first of three: marshalled bytecode, defaults, closure.
  if (json.function_type === 'lambda' || json.output_shape_type === 'lambda') {
    throw unsafe('a lambda function', 'replace it by Keras layers');
  }
  const loads = dangerousClasses[String(className)];
  if (typeof className === 'string' && loads !== undefined) {
    throw unsafe(`the class ${className}, which loads ${loads}`, 'replace it by Keras layers');
  }
  if (isObject(config)) checkOptions(String(className), config, unsafe);
  const own = "use Keras' own classes, or load it only where you trust whoever made it";
  for (const name of [registered, className]) {
    if (typeof name !== 'string' || !name.includes('>') || ownOptimizers.test(name)) continue;
    throw unsafe(`the class ${name.slice(0, 120)} of its own`, own);
  }
  if (module === undefined || module === null) return;
  if (typeof module !== 'string') throw unsafe('a module that is no text', own);
  const called = className === 'function' && typeof config === 'string' ? config : String(className);
  const shown = `${module.slice(0, 80)}.${called.slice(0, 80)}`;
  if (module === 'builtins') {
    if (builtins.has(called)) throw unsafe(`the function ${shown}`, own);
    return;
  }
  if (!packages.test(module)) throw unsafe(`${shown}, which is not of Keras`, own);
  if (dangerousModule.test(module)) throw unsafe(`the function ${shown}`, own);
}

type Refuse = (what: string, next: string) => VitrinaError;

/** Options by which a layer of Keras itself reads a file, or calls any function by name. */
function checkOptions(className: string, config: JsonObject, unsafe: Refuse): void {
  if (/(Lookup|Vectorization)$/.test(className) && typeof config.vocabulary === 'string') {
    throw unsafe(`a vocabulary in another file (${config.vocabulary.slice(0, 120)})`, 'save it after adapt()');
  }
  if (!operationLayers.has(className)) return;
  for (const operation of [
    config.function,
    config.node_def,
    config.method_name,
    config.class_symbol,
    config.cls_symbol,
  ]) {
    if (typeof operation === 'string' && dangerousOperation.test(operation.slice(0, 10_000))) {
      throw unsafe(`the operation ${operation.slice(0, 80)}`, 'replace it by Keras layers');
    }
  }
}
