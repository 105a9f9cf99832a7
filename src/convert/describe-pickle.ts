import { VitrinaError } from '../errors.js';
import { detectCompression, inflate } from '../formats/compression/index.js';
import { findArray } from '../formats/joblib/find-array.js';
import { readJoblib } from '../formats/joblib/index.js';
import { defaultLimits, type Limits } from '../formats/limits.js';
import {
  type Disassembled,
  disassemble,
  NumpyArray,
  NumpyScalar,
  PythonDict,
  PythonGlobal,
  PythonObject,
  PythonSet,
  PythonTuple,
  type PythonValue,
} from '../formats/pickle/index.js';
import { reprBytes, reprFloat, reprText } from '../formats/python-repr.js';
import { sniff } from '../formats/sniff.js';
import { describeValue, listMembers } from './sklearn/container.js';

/** What a pickle holds, whether it can be converted or not. */
export interface PickleDescription {
  /** A phrase: "an object of class sklearn.svm._classes.SVC", "a dictionary with the keys model, scaler". */
  readonly holds: string;
  /** The highest protocol that it declares, and how many pickles follow one another in the file. */
  readonly protocol: number;
  readonly pickles: number;
  /** Classes and functions that it refers to. */
  readonly globals: readonly string[];
  /** Estimators, outermost first, each followed by those inside of it. */
  readonly estimators: readonly DescribedEstimator[];
  /** Of a dictionary, list or tuple: what it holds, and what to write behind the file's name to name one. */
  readonly members: readonly { readonly name: string; readonly what: string; readonly selector: string }[];
}

export interface DescribedEstimator {
  /** Its place in the one around it: `steps.scaler`, `estimators_[0..99]`; empty for the outermost. */
  readonly name: string;
  readonly depth: number;
  readonly className: string;
  /** Version of the library that wrote it, where the file says so. */
  readonly version: string | null;
  /** Arguments of its constructor, as Python would write them, shortened. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What it learnt, as types and shapes. */
  readonly fitted: Readonly<Record<string, string>>;
}

/** Estimators and members beyond these numbers are left out. */
const maxEstimators = 200;
const maxMembers = 100;

/** Attributes that hold estimators: the fitted ones come first, and stand for those that they were made from. */
const nested: readonly (readonly [fitted: string, made: string])[] = [
  ['steps', 'steps'],
  ['transformers_', 'transformers'],
  ['transformer_list', 'transformer_list'],
  ['calibrated_classifiers_', 'calibrated_classifiers_'],
  ['estimators_', 'estimators'],
  ['best_estimator_', 'estimator'],
  ['estimator_', 'estimator'],
  ['base_estimator_', 'base_estimator'],
  ['final_estimator_', 'final_estimator'],
  ['regressor_', 'regressor'],
  ['classifier_', 'classifier'],
  ['transformer_', 'transformer'],
  ['kernel_', 'kernel'],
];

/** @throws what `readJoblib` throws */
export function describePickle(bytes: Uint8Array, limits: Limits = defaultLimits): PickleDescription {
  const file = readJoblib(bytes, limits);
  const estimators: DescribedEstimator[] = [];
  const { value } = file;
  const members = isContainer(value) ? listMembers(value).slice(0, maxMembers) : [];
  if (value instanceof PythonObject) describe(value, '', 0, estimators);
  for (const [name, item] of members) if (item instanceof PythonObject) describe(item, `#${name}`, 0, estimators);
  return {
    holds: describeValue(value),
    protocol: file.protocol,
    pickles: file.values.length,
    globals: file.globals,
    estimators,
    members: members.map(([name, item]) => ({ name, what: shorten(item), selector: `#${name}` })),
  };
}

/**
 * Every opcode of a pickle or joblib file, refused or not; a compressed one is inflated first, and positions count in
 * what came out. Nothing when the file is no pickle, or cannot be inflated.
 */
export function disassembleArtefact(bytes: Uint8Array, limits: Limits = defaultLimits): Iterable<Disassembled> {
  try {
    const compression = detectCompression(bytes);
    const stream = compression === undefined ? bytes : inflate(compression, bytes, limits);
    return sniff(stream).format === 'pickle' ? disassemble(stream, findArray) : [];
  } catch (error) {
    if (error instanceof VitrinaError) return [];
    throw error;
  }
}

const isContainer = (value: PythonValue) =>
  value instanceof PythonDict || value instanceof PythonTuple || Array.isArray(value);

function describe(object: PythonObject, name: string, depth: number, found: DescribedEstimator[]): void {
  if (found.length >= maxEstimators) return;
  const state = object.state instanceof PythonDict ? [...object.state.entries()] : [];
  const attributes = new Map(state.flatMap(([key, value]) => (typeof key === 'string' ? [[key, value] as const] : [])));
  const fitted = nested.filter(([key]) => attributes.has(key));
  const made = nested.map(([, key]) => key).filter((key) => !fitted.some(([, from]) => from === key));
  const keys = new Set([...fitted.map(([key]) => key), ...made]);
  const inner = [...keys].flatMap((key) => listEstimators(attributes.get(key), key));
  const held = new Set(inner.map(({ key }) => key));
  const select = (wanted: (key: string) => boolean) =>
    Object.fromEntries(
      [...attributes].filter(([key]) => wanted(key) && !held.has(key)).map(([key, value]) => [key, shorten(value)]),
    );
  const version = attributes.get('_sklearn_version');
  found.push({
    name,
    depth,
    className: object.global.id,
    version: typeof version === 'string' ? version : null,
    parameters: select((key) => !key.startsWith('_') && !key.endsWith('_')),
    fitted: select((key) => !key.startsWith('_') && key.endsWith('_')),
  });
  for (const each of inner) describe(each.estimator, each.name, depth + 1, found);
}

interface Inner {
  readonly key: string;
  readonly name: string;
  readonly estimator: PythonObject;
}

/** The estimators in an attribute: one, a list, (name, estimator) pairs, or an array of them; equal ones once. */
function listEstimators(value: PythonValue | undefined, key: string): Inner[] {
  const items = itemsOf(value);
  if (items === undefined) {
    return value instanceof PythonObject ? [{ key, name: key, estimator: value }] : [];
  }
  const named = items.map((item, i) => {
    const parts = item instanceof PythonTuple ? item.items : [];
    const [first] = parts;
    const estimator = parts.find((part) => part instanceof PythonObject) ?? item;
    return { key, name: typeof first === 'string' ? `${key}.${first}` : `${key}[${i}]`, estimator };
  });
  const objects = named.filter((each): each is Inner => each.estimator instanceof PythonObject);
  const [first] = objects;
  const alike = objects.every(({ estimator }) => estimator.global === first?.estimator.global);
  // A forest is told by its first tree.
  return first !== undefined && alike && objects.length > 3 && !(items[0] instanceof PythonTuple)
    ? [{ ...first, name: `${key}[0..${objects.length - 1}]` }]
    : objects;
}

function itemsOf(value: PythonValue | undefined): readonly PythonValue[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof PythonTuple) return value.items;
  return value instanceof NumpyArray && value.content?.kind === 'objects' ? value.content.objects.items : undefined;
}

const maxItems = 6;
const maxText = 60;

/** A value as Python writes it, in a few words. */
function shorten(value: PythonValue, depth = 0): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return value.toString().slice(0, maxText);
  if (typeof value === 'number') return reprFloat(value);
  if (typeof value === 'string') return reprText(value.length > maxText ? `${value.slice(0, maxText)}…` : value);
  if (value instanceof Uint8Array) return value.length > maxText ? `${value.length} bytes` : reprBytes(value);
  if (value instanceof NumpyScalar) return shorten(value.value, depth);
  if (value instanceof NumpyArray) return describeArray(value);
  if (value instanceof PythonGlobal) return value.id;
  if (value instanceof PythonObject) return `${value.global.name}(…)`;
  const list = (items: readonly PythonValue[], open: string, close: string) =>
    depth > 2 || items.length > maxItems
      ? `${open}… ${items.length} items${close}`
      : `${open}${items.map((item) => shorten(item, depth + 1)).join(', ')}${close}`;
  if (Array.isArray(value)) return list(value, '[', ']');
  if (value instanceof PythonTuple)
    return value.items.length === 1 ? list(value.items, '(', ',)') : list(value.items, '(', ')');
  if (value instanceof PythonSet) return list(value.values(), '{', '}');
  if (value instanceof PythonDict) {
    if (depth > 2 || value.size > maxItems) return `{… ${value.size} entries}`;
    return `{${[...value.entries()].map(([key, item]) => `${shorten(key, depth + 1)}: ${shorten(item, depth + 1)}`).join(', ')}}`;
  }
  return 'a value';
}

function describeArray({ content, shape }: NumpyArray): string {
  if (content?.kind !== 'tensor') return `${content?.kind ?? 'array'}(${shape.join(', ')})`;
  const { dtype, data } = content.tensor;
  if (dtype === 'string' && data.length <= maxItems) {
    return `[${(data as string[]).map((text) => reprText(text.slice(0, maxText))).join(', ')}]`;
  }
  return `${dtype}(${shape.join(', ')})`;
}
