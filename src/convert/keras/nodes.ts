import { VitrinaError } from '../../errors.js';
import { isObject, type Json, type JsonObject, show } from './config.js';

/** A tensor of the model, as configs refer to it: output `tensor` of call `node` of `layer`. */
export class TensorRef {
  constructor(
    readonly layer: string,
    readonly node: number,
    readonly tensor: number,
  ) {}
}

/** An argument of a recorded call: references stand where Keras passed tensors. */
export type RefValue = TensorRef | Json | readonly RefValue[] | { readonly [key: string]: RefValue };

/** One recorded call of a layer. */
export interface CallRecord {
  readonly first: RefValue | undefined;
  readonly args: readonly RefValue[];
  readonly kwargs: { readonly [name: string]: RefValue };
}

/** Names that Keras' layers give their first argument, for calls that pass it by name. */
const firstNames = ['inputs', 'sequences', 'sequence', 'x', 'xs', 'query'];

/** Reads `inbound_nodes` of one layer, in the notation of either generation. */
export function parseCalls(layer: string, nodes: Json): CallRecord[] {
  if (!Array.isArray(nodes)) throw malformed(`inbound_nodes of layer "${layer}" is ${show(nodes)}, not a list`);
  return nodes.map((node: Json) =>
    isObject(node) && 'args' in node ? parseCall3(layer, node) : parseCall2(layer, node),
  );
}

/** Keras 3: `{args, kwargs}`, tensors as `__keras_tensor__`. */
function parseCall3(layer: string, node: JsonObject): CallRecord {
  if (!Array.isArray(node.args) || !isObject(node.kwargs))
    throw malformed(`a call of layer "${layer}" lacks args or kwargs`);
  const [first, ...args] = node.args.map(parseValue3);
  const kwargs = mapObject(node.kwargs, parseValue3);
  if (node.args.length > 0) return { first, args, kwargs };
  const name = firstNames.find((candidate) => candidate in kwargs);
  if (name === undefined) return { first: undefined, args, kwargs };
  const { [name]: named, ...rest } = kwargs;
  return { first: named, args, kwargs: rest };
}

function parseValue3(value: Json): RefValue {
  if (Array.isArray(value)) return value.map(parseValue3);
  if (!isObject(value)) return value;
  const config = value.config;
  if (value.class_name === '__keras_tensor__' && isObject(config)) return parseRef(config.keras_history ?? null);
  return mapObject(value, parseValue3);
}

/**
 * Keras 2: a nest of `[layer, node, tensor, kwargs]`. The keyword arguments are the same in all of them and hold
 * tensors as `[layer, node, tensor]`; a constant first argument is `["_CONSTANT_VALUE", -1, value, kwargs]`.
 */
function parseCall2(_layer: string, node: Json): CallRecord {
  let kwargs: { readonly [name: string]: RefValue } = {};
  const parse = (value: Json): RefValue => {
    if (Array.isArray(value) && value[0] === '_CONSTANT_VALUE') {
      if (isObject(value[3])) kwargs = mapObject(value[3], parseValue2);
      return value[2] ?? null;
    }
    if (isReference(value)) {
      const last = (value as readonly Json[])[3];
      if (isObject(last)) kwargs = mapObject(last, parseValue2);
      return parseRef(value);
    }
    if (Array.isArray(value)) return value.map(parse);
    return isObject(value) ? mapObject(value, parse) : value;
  };
  const first = parse(node);
  return { first: Array.isArray(first) && first.length === 1 ? first[0] : first, args: [], kwargs };
}

function parseValue2(value: Json): RefValue {
  if (isReference(value)) return parseRef(value);
  if (Array.isArray(value)) return value.map(parseValue2);
  return isObject(value) ? mapObject(value, parseValue2) : value;
}

function isReference(value: Json): boolean {
  return (
    Array.isArray(value) &&
    (value.length === 3 || value.length === 4) &&
    typeof value[0] === 'string' &&
    Number.isInteger(value[1]) &&
    Number.isInteger(value[2])
  );
}

function parseRef(value: Json): TensorRef {
  if (!isReference(value)) throw malformed(`${show(value)} is no reference to a tensor`);
  const [layer, node, tensor] = value as readonly [string, number, number];
  return new TensorRef(layer, node, tensor);
}

/** `input_layers` and `output_layers`: one reference, a list, or a dictionary (whose keys name the tensors). */
export function parseEnds(value: Json): { readonly key: string | null; readonly ref: TensorRef }[] {
  const ends: { key: string | null; ref: TensorRef }[] = [];
  const walk = (item: Json, key: string | null): void => {
    if (isReference(item)) ends.push({ key, ref: parseRef(item) });
    else if (Array.isArray(item)) for (const inner of item) walk(inner, key);
    // Keras flattens a dictionary by its sorted keys.
    else if (isObject(item)) for (const name of Object.keys(item).sort()) walk(item[name]!, name);
    else throw malformed(`${show(item)} is no reference to a tensor`);
  };
  walk(value, null);
  return ends;
}

export function* referencesIn(value: RefValue | undefined): Generator<TensorRef> {
  if (value instanceof TensorRef) yield value;
  else if (Array.isArray(value)) for (const item of value) yield* referencesIn(item);
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) yield* referencesIn(item);
}

/** Objects of artefacts have no prototype, and neither have their copies. */
export function mapObject<A, B>(object: { readonly [key: string]: A }, map: (value: A) => B): { [key: string]: B } {
  const result = Object.create(null) as { [key: string]: B };
  for (const [key, value] of Object.entries(object)) result[key] = map(value);
  return result;
}

export function malformed(what: string): VitrinaError {
  return new VitrinaError('artefact-malformed', { format: 'Keras model config', what });
}
