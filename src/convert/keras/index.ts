import { fromBinary } from '@bufbuild/protobuf';
import { VitrinaError } from '../../errors.js';
import { ModelProtoSchema } from '../../formats/onnx/onnx_pb.js';
import { type Conversion, hasFreeSize, type TensorSpec } from '../../signature.js';
import { GraphBuilder } from '../graph-builder.js';
import { findHazard, withHazard } from '../onnx/hazard.js';
import { isCustom, isObject, type JsonObject, nameOf, show } from './config.js';
import { isOperation } from './is-operation.js';
import type { KerasTensor } from './layer.js';
import { type Callable, type Context, LayerInstance } from './layer-instance.js';
import { buildModel, isModel, type Model } from './model.js';
import { operators } from './operators/index.js';
import { layerRegistry } from './registry.js';
import type { KerasModelSource } from './source.js';
import { archiveWeights, hdf5Weights, type LayerWeights } from './weights.js';

export { type KerasModelSource, readKerasArchive, readKerasHdf5 } from './source.js';

/** Calls of layers in one graph. ResNet-152 makes about 500. */
const maxCalls = 100_000;

/**
 * Converts a saved Keras model of either generation into an ONNX graph that gives the same numbers as
 * `model.predict`: float32, batch dimension free, inputs and outputs named as Keras names them.
 *
 * @throws VitrinaError `layer-unsupported` (names layer and class), `weights-mismatch`, `model-unsupported`,
 *   `artefact-malformed`
 */
export function convertKeras(source: KerasModelSource): Conversion {
  try {
    return convert(source);
  } catch (error) {
    if (error instanceof VitrinaError) throw error;
    // A config that nobody foresaw is the file's fault, not the server's; the cause is for the log.
    throw new VitrinaError(
      'artefact-malformed',
      { format: 'Keras model config', what: 'it does not describe a model as Keras does' },
      { cause: error },
    );
  }
}

function convert(source: KerasModelSource): Conversion {
  const { architecture, format, version } = source;
  const generation = version.startsWith('3.') ? 3 : 2;
  if (!/^[23]\./.test(version)) {
    throw new VitrinaError('model-unsupported', {
      what: `The model was saved by Keras ${version.slice(0, 40)}`,
      next: 'save it with Keras 2.x or 3.x',
    });
  }
  const components = new Set<string>();
  const graph = new GraphBuilder('keras');
  let calls = 0;
  const context: Context = {
    graph,
    generation,
    version,
    countCall: () => {
      if (++calls > maxCalls) {
        throw new VitrinaError('model-unsupported', {
          what: `The model calls layers more than ${maxCalls} times`,
          next: 'save a model that does not repeat its parts so often',
        });
      }
    },
    build: (json, weights) => buildCallable(context, components, json, weights),
  };
  if (!isModel(architecture) || isCustom(architecture)) throw refuseClass(architecture);
  const root = format === 'hdf5' ? hdf5Weights(source.weights) : archiveWeights(source, 'model');
  const model = buildModel(context, architecture, root);
  const { inputs, outputs } = addSignature(graph, model);
  const bytes = graph.build();
  const free = inputs.some(hasFreeSize);
  const conversion = {
    graph: bytes,
    signature: { inputs, outputs },
    provenance: {
      format,
      library: 'keras',
      libraryVersion: version,
      components: [...components],
      notes: [],
    },
  };
  // Of fixed sizes, and operators that are chosen here, there is none.
  return free ? withHazard(conversion, findHazard(fromBinary(ModelProtoSchema, bytes))) : conversion;
}

function addSignature(graph: GraphBuilder, model: Model): { inputs: TensorSpec[]; outputs: TensorSpec[] } {
  const inputs = model.inputs.map(({ name, dtype, shape }): TensorSpec => {
    if (shape === undefined) {
      throw new VitrinaError('model-unsupported', {
        what: `The file does not say the shape of the input "${name}"`,
        next: 'give the model an Input(shape=…) (or call it once) before model.save()',
      });
    }
    return { name, dtype, shape };
  });
  const tensors = inputs.map(
    (spec): KerasTensor => ({ value: graph.input(spec), dtype: spec.dtype, shape: spec.shape }),
  );
  // Outputs keep their names, whatever the nodes before them are called.
  const names = model.outputNames.filter((name) => !inputs.some((input) => input.name === name));
  for (const name of names) graph.unique(name);
  const results = model.call({ first: tensors.length === 1 ? tensors[0]! : tensors, args: [], kwargs: {} });
  const outputs = results.map(({ value, dtype, shape }, i): TensorSpec => {
    const stated = model.outputNames[i] ?? `output_${i}`;
    // Only an input keeps its name before that, unless it is the output itself.
    const name = names.includes(stated) || value === stated ? stated : graph.unique(stated);
    const spec = { name, dtype, shape: [null, ...shape.slice(1)] };
    graph.output(spec, value);
    return spec;
  });
  return { inputs, outputs };
}

function buildCallable(context: Context, components: Set<string>, json: JsonObject, weights: LayerWeights): Callable {
  const className = nameOf(json.class_name);
  if (isCustom(json)) throw refuseClass(json);
  if (isModel(json)) {
    components.add(className);
    return buildModel(context, json, weights);
  }
  const converter = isOperation(json) ? operators : layerRegistry.get(className);
  if (converter === undefined) throw refuseClass(json);
  components.add(className);
  const config = isObject(json.config) ? json.config : {};
  return new LayerInstance(context, className, config, converter, weights);
}

function refuseClass(json: JsonObject): VitrinaError {
  const config = isObject(json.config) ? json.config : {};
  const registered = typeof json.registered_name === 'string' ? json.registered_name : undefined;
  const className = registered ?? (typeof json.class_name === 'string' ? json.class_name : show(json.class_name));
  const name = config.name ?? json.name;
  return new VitrinaError('layer-unsupported', {
    layer: typeof name === 'string' ? name : '?',
    className,
    why:
      className === 'Lambda'
        ? 'a Lambda is Python code, which is never run here; replace it by Keras layers or by operators of keras.ops, and save again'
        : `the class ${className} is not one of the Keras layers supported here, and code of your own is not in the file; replace it by layers listed in src/convert/README.md, or export the model to ONNX`,
  });
}
