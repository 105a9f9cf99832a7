import { create, toBinary } from '@bufbuild/protobuf';
import { VitrinaError } from '../../errors.js';
import { prepareFeaturizers } from '../../featurizers/index.js';
import { type ModelProto, ModelProtoSchema, StringStringEntryProtoSchema } from '../../formats/onnx/onnx_pb.js';
import type { Conversion, FeaturizerSpec, Guard, Provenance, Signature, TensorSpec } from '../../signature.js';
import { isMapping, isTexts, readSpec, sameTensor } from './metadata-specs.js';

/** The key of `metadata_props` under which a graph carries what ONNX has no place for. */
const key = 'vitrina';

/** Everything of a conversion but its graph. */
export type GraphMetadata = Omit<Conversion, 'graph'>;

/**
 * The graph of `conversion` with everything else of it in `metadata_props`, so that the file alone is the whole model.
 * Other runtimes pass over the entry.
 */
export function withMetadata({ graph, ...metadata }: Conversion): Uint8Array {
  const entry = create(StringStringEntryProtoSchema, { key, value: JSON.stringify(metadata) });
  // Messages that are written one after the other are merged when they are read: the graph need not be decoded.
  const appended = toBinary(ModelProtoSchema, create(ModelProtoSchema, { metadataProps: [entry] }));
  const file = new Uint8Array(graph.length + appended.length);
  file.set(graph);
  file.set(appended, graph.length);
  return file;
}

/**
 * The metadata of a model that `withMetadata` wrote; nothing for any other. `declared` is what the graph itself says of
 * its inputs and outputs: the entry may add to it, and must not contradict it.
 *
 * @throws VitrinaError `artefact-malformed` when the entry is there and cannot be believed
 */
export function readMetadata(model: ModelProto, declared: Signature): GraphMetadata | undefined {
  const text = model.metadataProps.findLast((entry) => entry.key === key)?.value;
  if (text === undefined) return undefined;
  const parsed = parse(text);
  if (!isMapping(parsed) || !isMapping(parsed.signature)) throw damaged('has no signature');
  const { signature, provenance } = parsed;
  const guards = readGuards(parsed.guards, declared.outputs);
  const featurizers = readFeaturizers(parsed.featurizers);
  const inputs = readSpecs(signature.inputs, 'inputs');
  const outputs = readSpecs(signature.outputs, 'outputs');
  const fed = new Set(featurizers.filter(({ shared }) => !shared).map(({ input }) => input));
  const filled = new Set(featurizers.flatMap(({ indices, values }) => [indices, values]));
  const hidden = new Set(guards.map(({ output }) => output));
  compare(
    inputs.filter(({ name }) => !fed.has(name)),
    declared.inputs.filter(({ name }) => !filled.has(name)),
    'inputs',
  );
  compare(
    outputs,
    declared.outputs.filter(({ name }) => !hidden.has(name)),
    'outputs',
  );
  if (featurizers.some(({ input }) => !inputs.some((spec) => spec.name === input && spec.dtype === 'string'))) {
    throw damaged('has a featurizer that reads none of the text inputs');
  }
  if ([...filled].some((name) => !declared.inputs.some((spec) => spec.name === name))) {
    throw damaged('has a featurizer that fills none of the inputs of the graph');
  }
  if (signature.ignored !== undefined && !isTexts(signature.ignored)) throw damaged('ignores fields that are no texts');
  if (signature.indivisible !== undefined && signature.indivisible !== true)
    throw damaged('is neither indivisible nor silent about it');
  return {
    ...(featurizers.length === 0 ? {} : { featurizers }),
    ...(guards.length === 0 ? {} : { guards }),
    signature: {
      inputs,
      outputs,
      ...(signature.ignored === undefined ? {} : { ignored: signature.ignored }),
      ...(signature.indivisible === undefined ? {} : { indivisible: true }),
    },
    provenance: readProvenance(provenance),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged('is not JSON');
  }
}

function readSpecs(value: unknown, what: 'inputs' | 'outputs'): readonly TensorSpec[] {
  if (!Array.isArray(value)) throw damaged(`has no list of ${what}`);
  return value.map((entry) => {
    const spec = readSpec(entry);
    if (typeof spec === 'string') throw damaged(`has ${what} of which ${spec}`);
    return spec;
  });
}

/** The order is the entry's own: a caller meets inputs and outputs by name. */
function compare(specs: readonly TensorSpec[], declared: readonly TensorSpec[], what: 'inputs' | 'outputs'): void {
  const byName = new Map(declared.map((spec) => [spec.name, spec]));
  if (specs.length !== declared.length || new Set(specs.map(({ name }) => name)).size !== specs.length) {
    throw damaged(`does not list the ${declared.length} ${what} of the graph`);
  }
  const foreign = specs.find((spec) => {
    const other = byName.get(spec.name);
    return other === undefined || !sameTensor(spec, other);
  });
  if (foreign !== undefined)
    throw damaged(`describes "${foreign.name}" among the ${what} otherwise than the graph does`);
}

function readGuards(value: unknown, outputs: readonly TensorSpec[]): readonly Guard[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw damaged('has guards that are no list');
  return value.map((entry: unknown) => {
    if (
      !isMapping(entry) ||
      typeof entry.path !== 'string' ||
      typeof entry.message !== 'string' ||
      !outputs.some(({ name, dtype, shape }) => name === entry.output && dtype === 'bool' && shape.length === 1)
    ) {
      throw damaged('has a guard without a boolean output');
    }
    return { output: entry.output as string, path: entry.path, message: entry.message };
  });
}

function readFeaturizers(value: unknown): readonly FeaturizerSpec[] {
  if (value === undefined) return [];
  const fits = (entry: unknown): entry is FeaturizerSpec =>
    isMapping(entry) && isTexts([entry.kind, entry.input, entry.indices, entry.values]) && isMapping(entry.parameters);
  if (!Array.isArray(value) || !value.every(fits)) throw damaged('has featurizers that are none');
  try {
    prepareFeaturizers(value);
  } catch (cause) {
    throw damaged(`has a featurizer that does not work (${(cause as Error).message})`);
  }
  return value;
}

function readProvenance(value: unknown): Provenance {
  if (
    !isMapping(value) ||
    typeof value.format !== 'string' ||
    typeof value.library !== 'string' ||
    !(value.libraryVersion === null || typeof value.libraryVersion === 'string') ||
    !(value.target === undefined || typeof value.target === 'string') ||
    !isTexts(value.components) ||
    !isTexts(value.notes)
  ) {
    throw damaged('does not say where the model comes from');
  }
  const { format, library, libraryVersion, components, notes, target } = value;
  return { format, library, libraryVersion, components, notes, ...(target === undefined ? {} : { target }) };
}

function damaged(what: string): VitrinaError {
  return new VitrinaError('artefact-malformed', { format: 'ONNX', what: `its metadata entry "${key}" ${what}` });
}
