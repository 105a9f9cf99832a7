import { VitrinaError } from '../../errors.js';
import type { DataType } from '../../tensor.js';
import { isObject, type Json, type JsonObject, nameOf, show } from './config.js';
import { executionOrder, type GraphCall } from './execution-order.js';
import { isOperation } from './is-operation.js';
import type { CallValue, KerasTensor, Shape } from './layer.js';
import { type CallArguments, type Callable, type Context, tensorsIn } from './layer-instance.js';
import {
  type CallRecord,
  malformed,
  mapObject,
  parseCalls,
  parseEnds,
  type RefValue,
  referencesIn,
  TensorRef,
} from './nodes.js';
import type { LayerEntry, LayerWeights } from './weights.js';

/** What `model.save` calls a model that it can describe; a subclass has its own name and is code. */
const modelClasses: ReadonlySet<string> = new Set(['Sequential', 'Functional', 'Model']);

export function isModel(json: JsonObject): boolean {
  return modelClasses.has(nameOf(json.class_name)) && layerList(json) !== undefined;
}

/** An input that a model declares. */
export interface ModelInput {
  readonly name: string;
  readonly dtype: DataType;
  /** `undefined` when the file does not say. */
  readonly shape: Shape | undefined;
}

export interface Model extends Callable {
  readonly inputs: readonly ModelInput[];
  /** Names of the outputs, as Keras names them. */
  readonly outputNames: readonly string[];
}

export function buildModel(context: Context, json: JsonObject, weights: LayerWeights): Model {
  return json.class_name === 'Sequential' ? sequential(context, json, weights) : functional(context, json, weights);
}

/** `layers` of a model's config; Keras before 2.2 stored a Sequential as the bare list. */
function layerList(json: JsonObject): readonly JsonObject[] | undefined {
  const list = isObject(json.config) ? json.config.layers : json.config;
  return Array.isArray(list) && list.every(isObject) ? (list as readonly JsonObject[]) : undefined;
}

function modelName(json: JsonObject): string {
  return isObject(json.config) && typeof json.config.name === 'string' ? json.config.name : 'model';
}

function layerName(json: JsonObject): string {
  const config = isObject(json.config) ? json.config : {};
  const name = json.name ?? config.name;
  if (typeof name !== 'string') throw malformed(`a layer ${show(json.class_name)} has no name`);
  return name;
}

function sequential(context: Context, json: JsonObject, weights: LayerWeights): Model {
  const all = layerList(json)!;
  const head = all[0]?.class_name === 'InputLayer' ? all[0] : undefined;
  const layers = head === undefined ? all : all.slice(1);
  const shares = weights.layers(layerEntries(layers));
  const steps = layers.map((layer) => context.build(layer, shares.get(layerName(layer))!));
  const first = steps[0];
  if (first === undefined) throw malformed(`the Sequential model "${modelName(json)}" has no layers`);
  const config = isObject(json.config) ? json.config : {};
  const nested = 'inputs' in first ? (first as Model).inputs[0] : undefined;
  const input: ModelInput =
    head === undefined
      ? {
          name: `${first.name}_input`,
          dtype: nested?.dtype ?? 'float32',
          shape: readShape(layers[0]!) ?? parseShape(config.build_input_shape) ?? nested?.shape,
        }
      : { name: layerName(head), dtype: readDataType(head), shape: readShape(head) };
  return {
    name: modelName(json),
    inputs: [input],
    outputNames: [steps.at(-1)!.name],
    call: ({ first: argument, kwargs }) => {
      refuseTraining(context, modelName(json), kwargs);
      return steps.reduce<KerasTensor[]>(
        (tensors, step) => step.call({ first: tensors.length === 1 ? tensors[0]! : tensors, args: [], kwargs: {} }),
        tensorsIn(argument),
      );
    },
  };
}

function functional(context: Context, json: JsonObject, weights: LayerWeights): Model {
  const layers = layerList(json)!;
  const config = json.config as JsonObject;
  const name = modelName(json);
  const byName = new Map(layers.map((layer) => [layerName(layer), layer]));
  const inputEnds = parseEnds(config.input_layers ?? []);
  const outputEnds = parseEnds(config.output_layers ?? []).map(({ key, ref }) => ({
    key,
    ref: context.generation === 3 ? endCall(ref, byName) : ref,
  }));
  if (outputEnds.length === 0) throw malformed(`the model "${name}" has no outputs`);
  const shares = weights.layers(layerEntries(layers));
  const callables = new Map<string, Callable>();
  const calls = new Map<string, readonly CallRecord[]>();
  for (const [layer, layerJson] of byName) {
    calls.set(layer, parseCalls(layer, layerJson.inbound_nodes ?? []));
    if (layerJson.class_name !== 'InputLayer') callables.set(layer, context.build(layerJson, shares.get(layer)!));
  }
  const resolve = nodeResolver(context.generation, byName, calls, outputEnds);
  return {
    name,
    inputs: inputEnds.map(({ ref }) => {
      const layer = byName.get(ref.layer);
      if (layer?.class_name !== 'InputLayer') throw malformed(`the input "${ref.layer}" of "${name}" is no InputLayer`);
      return { name: ref.layer, dtype: readDataType(layer), shape: readShape(layer) };
    }),
    outputNames: uniqueNames(outputEnds.map(({ key, ref }) => key ?? ref.layer)),
    call: ({ first, kwargs }) => {
      refuseTraining(context, name, kwargs);
      const given = inputTensors(first, inputEnds);
      if (given.length !== inputEnds.length) {
        throw malformed(`the model "${name}" takes ${inputEnds.length} tensors and is given ${given.length}`);
      }
      const known = new Map<string, readonly KerasTensor[]>();
      inputEnds.forEach(({ ref }, i) => {
        known.set(`${ref.layer}/0`, [given[i]!]);
      });
      const made = runCalls(outputEnds, callables, resolve, known);
      if (/^3\.[0-2]\./.test(context.version)) checkAllMade(name, calls, made);
      return outputEnds.map(({ ref }) => lookUp(ref, resolve, known));
    },
  };
}

/** A nested model's inputs: a list in order, or a dictionary by the names of its inputs. */
function inputTensors(first: CallValue | undefined, ends: ReturnType<typeof parseEnds>): KerasTensor[] {
  if (typeof first === 'object' && first !== null && !Array.isArray(first) && !('dtype' in first)) {
    const named = first as { readonly [key: string]: CallValue };
    if (ends.every(({ key, ref }) => (key ?? ref.layer) in named)) {
      return ends.flatMap(({ key, ref }) => tensorsIn(named[key ?? ref.layer]));
    }
  }
  return tensorsIn(first);
}

interface ResolvedCall {
  /** Where the outputs of the call are kept. */
  readonly key: string;
  readonly record: CallRecord | undefined;
}

/**
 * Keras 3 counts the making of a nested Functional model as its call number 0 where it lists the ends of a model, and
 * nowhere else. Source: `get_tensor` in keras/src/models/functional.py.
 */
function endCall(ref: TensorRef, layers: ReadonlyMap<string, JsonObject>): TensorRef {
  if (layers.get(ref.layer)?.class_name !== 'Functional' || ref.node < 1) return ref;
  return new TensorRef(ref.layer, ref.node - 1, ref.tensor);
}

/**
 * Finds the recorded call that a reference means. In Keras 2 nested models count the call that made them as number 0,
 * unless they were made without an input; so what is out of range shifts by one.
 */
function nodeResolver(
  generation: 2 | 3,
  layers: ReadonlyMap<string, JsonObject>,
  calls: ReadonlyMap<string, readonly CallRecord[]>,
  ends: readonly { readonly ref: TensorRef }[],
): (ref: TensorRef) => ResolvedCall {
  const used = new Map<string, Set<number>>();
  const note = ({ layer, node }: TensorRef): void => {
    let set = used.get(layer);
    if (set === undefined) {
      set = new Set();
      used.set(layer, set);
    }
    set.add(node);
  };
  for (const { ref } of ends) note(ref);
  for (const records of calls.values()) {
    for (const { first, args, kwargs } of records)
      for (const ref of referencesIn([first ?? null, args, kwargs])) note(ref);
  }
  const bases = new Map<string, number>();
  for (const [layer, nodes] of generation === 2 ? used : []) {
    const count = calls.get(layer)?.length ?? 0;
    const json = layers.get(layer);
    const shifted = nodes.has(count) || (!nodes.has(0) && json !== undefined && isModel(json) && startsWithNode(json));
    bases.set(layer, shifted && count > 0 ? 1 : 0);
  }
  return (ref) => {
    const index = ref.node - (bases.get(ref.layer) ?? 0);
    return { key: `${ref.layer}/${index}`, record: calls.get(ref.layer)?.[index] };
  };
}

function startsWithNode(json: JsonObject): boolean {
  return json.class_name !== 'Sequential' || layerList(json)?.[0]?.class_name === 'InputLayer';
}

/**
 * A file holds the calls that the outputs need and no other. Keras before 3.3 confused the calls of a shared layer when
 * it saved, which shows where one is left over.
 */
function checkAllMade(name: string, calls: ReadonlyMap<string, readonly CallRecord[]>, made: number): void {
  const stated = [...calls.values()].reduce((sum, records) => sum + records.length, 0);
  if (made >= stated) return;
  throw new VitrinaError('model-unsupported', {
    what: `The model "${name}" has ${stated} calls of layers, of which ${stated - made} lead to no output: Keras before 3.3 mixes up the calls of shared layers when it saves`,
    next: 'save it with Keras 3.3 or later',
  });
}

/** Makes every call that the outputs need, and returns how many these are. */
function runCalls(
  ends: readonly { readonly ref: TensorRef }[],
  callables: ReadonlyMap<string, Callable>,
  resolve: (ref: TensorRef) => ResolvedCall,
  known: Map<string, readonly KerasTensor[]>,
): number {
  const find = (ref: TensorRef): GraphCall => {
    const { key, record } = resolve(ref);
    // Tensors that a model is given are there already, whatever made them outside.
    if (known.has(key)) return { key, ref, record: undefined };
    if (record === undefined) {
      throw malformed(`output ${ref.tensor} of call ${ref.node} of layer "${ref.layer}" does not exist`);
    }
    return { key, ref, record };
  };
  const order = executionOrder(
    ends.map(({ ref }) => ref),
    find,
  );
  for (const { key, ref, record } of order) {
    if (record === undefined) continue;
    const callable = callables.get(ref.layer);
    if (callable === undefined) throw malformed(`layer "${ref.layer}" cannot be called`);
    const fill = (value: RefValue): CallValue => fillReferences(value, (needed) => lookUp(needed, resolve, known));
    const call = {
      first: record.first === undefined ? undefined : fill(record.first),
      args: record.args.map(fill),
      kwargs: mapObject(record.kwargs, fill),
    };
    known.set(key, callable.call(call));
    if (callable.takesMasks) takeMasks(known, [...tensorsIn(call.first), ...tensorsIn([call.args, call.kwargs])]);
  }
  return order.filter(({ record }) => record !== undefined).length;
}

/** Tensors lose their masks for every call that comes after. */
function takeMasks(known: Map<string, readonly KerasTensor[]>, taken: readonly KerasTensor[]): void {
  const values = new Set(taken.map(({ value }) => value));
  for (const [key, tensors] of known) {
    if (!tensors.some(({ value, mask }) => mask !== undefined && values.has(value))) continue;
    known.set(
      key,
      tensors.map((tensor) => {
        const { mask, ...plain } = tensor;
        return mask !== undefined && values.has(tensor.value) ? plain : tensor;
      }),
    );
  }
}

function lookUp(
  ref: TensorRef,
  resolve: (ref: TensorRef) => ResolvedCall,
  known: ReadonlyMap<string, readonly KerasTensor[]>,
): KerasTensor {
  const tensor = known.get(resolve(ref).key)?.[ref.tensor];
  if (tensor === undefined) throw malformed(`layer "${ref.layer}" has no output ${ref.tensor}`);
  return tensor;
}

function fillReferences(value: RefValue, find: (ref: TensorRef) => KerasTensor): CallValue {
  if (value instanceof TensorRef) return find(value);
  if (Array.isArray(value)) return value.map((item: RefValue) => fillReferences(item, find));
  if (typeof value === 'object' && value !== null) {
    return mapObject(value as { readonly [key: string]: RefValue }, (item) => fillReferences(item, find));
  }
  return value;
}

function refuseTraining(context: Context, name: string, kwargs: CallArguments['kwargs']): void {
  if (kwargs.training !== true || context.generation === 3) return;
  throw new VitrinaError('model-unsupported', {
    what: `The nested model "${name}" is called with training=True, which makes its answer random`,
    next: 'build the model again without it and save that',
  });
}

/** Layers as the weights are laid out: operators of Keras 3 are no layers and own no place. */
function layerEntries(layers: readonly JsonObject[]): LayerEntry[] {
  const entries = layers
    .filter((layer) => !isOperation(layer))
    .map((layer) => ({
      name: layerName(layer),
      className: nameOf(layer.class_name),
      inner: innerNames(layer),
    }));
  const names = new Set<string>();
  for (const { name } of entries) {
    if (names.has(name)) throw malformed(`two layers are called "${name}"`);
    names.add(name);
  }
  return entries;
}

function innerNames(json: JsonObject): string[] {
  const names: string[] = [];
  const walk = (layer: JsonObject): void => {
    const config = layer.config;
    if (!isObject(config)) return;
    for (const inner of [...(layerList(layer) ?? []), config.layer, config.backward_layer]) {
      if (inner === undefined || !isObject(inner)) continue;
      const name = isObject(inner.config) ? (inner.name ?? inner.config.name) : inner.name;
      if (typeof name === 'string') names.push(name);
      walk(inner);
    }
  };
  walk(json);
  return names;
}

function readShape(layer: JsonObject): Shape | undefined {
  const config = isObject(layer.config) ? layer.config : {};
  return parseShape(config.batch_shape ?? config.batch_input_shape);
}

function parseShape(value: Json | undefined): Shape | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  if (!value.every((size) => size === null || (Number.isSafeInteger(size) && (size as number) > 0))) return undefined;
  return [null, ...(value.slice(1) as (number | null)[])];
}

const inputTypes: ReadonlySet<unknown> = new Set<DataType>([
  'float16',
  'float32',
  'float64',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
  'string',
]);

function readDataType(layer: JsonObject): DataType {
  const config = isObject(layer.config) ? layer.config : {};
  if (config.sparse === true || config.ragged === true) {
    throw malformed(`the input "${layerName(layer)}" is sparse or ragged; only dense tensors are served`);
  }
  const dtype = config.dtype ?? 'float32';
  if (!inputTypes.has(dtype))
    throw malformed(`the input "${layerName(layer)}" has dtype ${show(dtype)}, which is not served`);
  return dtype as DataType;
}

/** Keras' own way of telling outputs of one layer apart: `enc`, `enc_1`. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let candidate = name;
    for (let i = 1; taken.has(candidate); i++) candidate = `${name}_${i}`;
    taken.add(candidate);
    return candidate;
  });
}
