import { VitrinaError } from '../../errors.js';
import type { Ubjson, UbjsonArray, UbjsonObject } from '../ubjson/index.js';
import type { XgboostLinear, XgboostModel, XgboostTree, XgboostTrees } from './model.js';

/**
 * The model in a parsed JSON or UBJSON file, or in the snapshot `{"Model", "Config"}` that a pickle keeps.
 * Schema: https://github.com/dmlc/xgboost/blob/master/doc/model.schema
 *
 * @throws VitrinaError `artefact-malformed`, `artefact-unsupported`
 */
export function readDocument(document: Ubjson): XgboostModel {
  const root = object(document, 'the file');
  const model = root.Model === undefined ? root : object(root.Model, 'Model');
  const learner = object(model.learner, 'learner');
  const parameters = object(learner.learner_model_param, 'learner_model_param');
  const objective = object(learner.objective, 'objective');
  const features = integer(parameters.num_feature, 'num_feature');
  const classes = integer(parameters.num_class, 'num_class');
  const targets = parameters.num_target === undefined ? 1 : integer(parameters.num_target, 'num_target');
  const version = readVersion(model.version);
  const gradientBooster = object(learner.gradient_booster, 'gradient_booster');
  const groups = Math.max(classes, targets, 1);
  if (groups > maxGroups) throw damaged(`it has ${groups} classes or targets`);
  return {
    version,
    objective: text(objective.name, 'objective.name'),
    objectiveParameters: flatten(objective),
    baseScore: readBaseScore(text(parameters.base_score, 'base_score'), groups),
    baseScoreIsMargin: false,
    features,
    groups,
    attributes: readAttributes(learner.attributes),
    featureNames: texts(learner.feature_names, 'feature_names'),
    featureTypes: texts(learner.feature_types, 'feature_types'),
    ...readBooster(gradientBooster, root.Config, version),
  };
}

/** No booster grows trees for as many classes; a base score is made for each. */
const maxGroups = 2 ** 16;

const damaged = (what: string) => new VitrinaError('artefact-malformed', { format: 'XGBoost', what });

const isObject = (value: Ubjson | undefined): value is UbjsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

function object(value: Ubjson | undefined, name: string): UbjsonObject {
  if (!isObject(value)) throw damaged(`${name} should be an object`);
  return value;
}

function list(value: Ubjson | undefined, name: string): readonly Ubjson[] {
  if (!Array.isArray(value)) throw damaged(`${name} should be a list`);
  return value as readonly Ubjson[];
}

function text(value: Ubjson | undefined, name: string): string {
  if (typeof value !== 'string') throw damaged(`${name} should be a text`);
  return value;
}

function texts(value: Ubjson | undefined, name: string): readonly string[] {
  // An empty list may come as a typed array.
  if (value === undefined || (ArrayBuffer.isView(value) && (value as UbjsonArray).length === 0)) return [];
  return list(value, name).map((item) => text(item, name));
}

/** Parameters are whole numbers written as texts. */
function integer(value: Ubjson | undefined, name: string): number {
  // An object of a document has no prototype, and is no text either.
  const written = typeof value !== 'object' && /^\d{1,10}$/.test(String(value));
  const number = typeof value === 'number' ? value : written ? Number(value) : Number.NaN;
  if (!Number.isInteger(number) || number < 0 || number >= 2 ** 31) throw damaged(`${name} should be a whole number`);
  return number;
}

type Version = NonNullable<XgboostModel['version']>;

function readVersion(value: Ubjson | undefined): Version {
  const numbers = value === undefined ? [] : Array.from(column(value, 'version'));
  const [major, minor, patch] = numbers;
  if (major === undefined || minor === undefined || patch === undefined)
    throw damaged('version should be three numbers');
  return [major, minor, patch];
}

/** `5E-1`, and since 3.1 `[5.4E-1]` or `[3.3E-1,3.3E-1,3.4E-1]`. */
function readBaseScore(value: string, groups: number): Float32Array {
  const inner = value.startsWith('[') && value.endsWith(']') ? value.slice(1, -1) : value;
  const scores = inner
    .split(',')
    .map((part) => (/^\s*[-+]?[\d.][\d.eE+-]*\s*$/.test(part) ? Number(part) : Number.NaN));
  if (scores.some((score) => !Number.isFinite(score)) || (scores.length !== 1 && scores.length !== groups)) {
    throw damaged(`base_score is ${JSON.stringify(value.slice(0, 80))}`);
  }
  return Float32Array.from(scores);
}

/** `{"name", "reg_loss_param": {"scale_pos_weight": "1"}}` as one level of texts. */
function flatten(objective: UbjsonObject): Readonly<Record<string, string>> {
  const result: Record<string, string> = Object.create(null);
  for (const section of Object.values(objective)) {
    if (!isObject(section)) continue;
    for (const [name, value] of Object.entries(section)) if (typeof value === 'string') result[name] = value;
  }
  return result;
}

function readAttributes(value: Ubjson | undefined): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  return new Map(Object.entries(object(value, 'attributes')).map(([name, item]) => [name, text(item, name)]));
}

function readBooster(
  outer: UbjsonObject,
  config: Ubjson | undefined,
  version: Version,
): { booster: XgboostTrees | XgboostLinear; categories: XgboostModel['categories'] } {
  const name = text(outer.name, 'gradient_booster.name');
  if (name === 'gblinear') {
    const weights = floats(object(outer.model, 'model').weights, 'weights');
    return { booster: { kind: 'linear', weights }, categories: [] };
  }
  if (name !== 'gbtree' && name !== 'dart') {
    throw new VitrinaError('artefact-unsupported', {
      format: 'XGBoost',
      what: `the booster ${JSON.stringify(name.slice(0, 40))}`,
      next: 'train with gbtree, dart or gblinear',
    });
  }
  const inner = name === 'dart' ? object(outer.gbtree, 'gbtree') : outer;
  const model = object(inner.model, 'model');
  const parameters = object(model.gbtree_model_param, 'gbtree_model_param');
  const trees = list(model.trees, 'trees').map((tree, i) => readTree(object(tree, `tree ${i}`), i));
  const treeGroups = integers(model.tree_info, 'tree_info', trees.length);
  const weights = outer.weight_drop ?? model.weight_drop;
  return {
    booster: {
      kind: 'trees',
      trees,
      treeGroups,
      roundStarts:
        model.iteration_indptr === undefined ? undefined : integers(model.iteration_indptr, 'iteration_indptr'),
      parallelTrees:
        parameters.num_parallel_tree === undefined
          ? parallelTreesOf(config)
          : integer(parameters.num_parallel_tree, 'num_parallel_tree'),
      weights: weights === undefined ? undefined : floats(weights, 'weight_drop'),
    },
    categories: readCategories(model.cats, version),
  };
}

/** Before 1.4 the number of trees a round was kept in the configuration alone. */
function parallelTreesOf(config: Ubjson | undefined): number | undefined {
  let section = config;
  for (const name of ['learner', 'gradient_booster']) section = isObject(section) ? section[name] : undefined;
  if (isObject(section) && isObject(section.gbtree)) section = section.gbtree;
  const parameters = isObject(section) ? section.gbtree_train_param : undefined;
  const value = isObject(parameters) ? parameters.num_parallel_tree : undefined;
  return value === undefined ? undefined : integer(value, 'num_parallel_tree');
}

function readTree(tree: UbjsonObject, index: number): XgboostTree {
  const parameters = object(tree.tree_param, 'tree_param');
  const count = integer(parameters.num_nodes, 'num_nodes');
  const leafSize = Math.max(1, integer(parameters.size_leaf_vector ?? 0, 'size_leaf_vector'));
  const left = integers(tree.left_children, 'left_children', count);
  const right = integers(tree.right_children, 'right_children', count);
  const threshold = floats(tree.split_conditions, 'split_conditions', count);
  const categorical = tree.split_type === undefined ? undefined : integers(tree.split_type, 'split_type', count);
  const categories = readSplits(tree);
  for (let row = 0; row < count; row++) {
    if (left[row]! >= 0 && (categorical?.[row] === 1) !== categories.has(row)) {
      throw damaged(`node ${row} of tree ${index} is categorical and has no categories, or the other way round`);
    }
  }
  return {
    left,
    right,
    feature: integers(tree.split_indices, 'split_indices', count),
    threshold,
    defaultLeft: Uint8Array.from(integers(tree.default_left, 'default_left', count)),
    leaf: leafSize === 1 ? threshold : readLeafVectors(tree, left, right, leafSize),
    leafSize,
    categories,
  };
}

/** Values of leaves that are vectors, a row a node; a leaf of 3.2 and later names its vector as its right child. */
function readLeafVectors(tree: UbjsonObject, left: Int32Array, right: Int32Array, size: number): Float32Array {
  const count = left.length;
  if (tree.leaf_weights === undefined) return floats(tree.base_weights, 'base_weights', count * size);
  const vectors = floats(tree.leaf_weights, 'leaf_weights');
  const result = new Float32Array(count * size);
  for (let row = 0; row < count; row++) {
    if (left[row]! >= 0) continue;
    const at = right[row]! * size;
    if (at < 0 || at + size > vectors.length) throw damaged(`leaf ${row} has no vector`);
    result.set(vectors.subarray(at, at + size), row * size);
  }
  return result;
}

/** Sets of categories by node, which four columns hold one after the other. */
function readSplits(tree: UbjsonObject): ReadonlyMap<number, Int32Array> {
  const nodes = integers(tree.categories_nodes ?? [], 'categories_nodes');
  const starts = integers(tree.categories_segments ?? [], 'categories_segments', nodes.length);
  const sizes = integers(tree.categories_sizes ?? [], 'categories_sizes', nodes.length);
  const all = integers(tree.categories ?? [], 'categories');
  const result = new Map<number, Int32Array>();
  nodes.forEach((node, i) => {
    const start = starts[i]!;
    const end = start + sizes[i]!;
    if (start < 0 || end <= start || end > all.length) throw damaged(`the categories of node ${node} lie outside`);
    const set = all.subarray(start, end);
    if (set.some((category) => category < 0)) throw damaged(`node ${node} has a negative category`);
    result.set(node, set);
  });
  return result;
}

/** `{"enc": [{"values"} | {"offsets", "values"}]}`: texts are bytes one after the other, and where each ends. */
function readCategories(value: Ubjson | undefined, [major, minor]: Version): XgboostModel['categories'] {
  if (value === undefined) return [];
  const columns = object(value, 'cats').enc;
  if (ArrayBuffer.isView(columns)) return [];
  return list(columns, 'cats.enc').map((item) => {
    const column = object(item, 'cats.enc');
    const values = integers(column.values, 'cats.enc.values');
    if (column.offsets === undefined) return values.length === 0 ? null : Array.from(values);
    const offsets = integers(column.offsets, 'cats.enc.offsets');
    if (offsets.length < 2) return null;
    const bytes = Uint8Array.from(values);
    if ((major < 3 || (major === 3 && minor < 4)) && bytes.some((byte) => byte > 127)) {
      throw new VitrinaError('artefact-unsupported', {
        format: 'XGBoost',
        what: `texts of categories beyond ASCII, which XGBoost ${major}.${minor} cuts at wrong places`,
        next: 'train again with XGBoost 3.4, or with categories in plain letters',
      });
    }
    return Array.from(offsets.subarray(1), (end, i) => {
      const start = offsets[i]!;
      if (start < 0 || end < start || end > bytes.length) throw damaged('a category lies outside of its column');
      return new TextDecoder().decode(bytes.subarray(start, end));
    });
  });
}

/** A column of numbers, from a list or a typed array. */
function column(value: Ubjson | undefined, name: string): ArrayLike<number> {
  if (ArrayBuffer.isView(value)) return value as UbjsonArray;
  const items = list(value, name);
  for (const item of items)
    if (typeof item !== 'number' && typeof item !== 'boolean') throw damaged(`${name} should hold numbers`);
  return items as unknown as ArrayLike<number>;
}

function checkLength(found: number, expected: number | undefined, name: string): void {
  if (expected !== undefined && found !== expected)
    throw damaged(`${name} has ${found} values in place of ${expected}`);
}

function floats(value: Ubjson | undefined, name: string, count?: number): Float32Array {
  const source = column(value, name);
  checkLength(source.length, count, name);
  return Float32Array.from(source);
}

function integers(value: Ubjson | undefined, name: string, count?: number): Int32Array {
  const source = column(value, name);
  checkLength(source.length, count, name);
  const result = new Int32Array(source.length);
  for (let i = 0; i < source.length; i++) {
    const number = Number(source[i]);
    result[i] = number;
    // The parent of a root is 2^31 - 1; anything beyond would come out as another number.
    if (result[i] !== number) throw damaged(`${name} holds ${number}, which is no index`);
  }
  return result;
}
