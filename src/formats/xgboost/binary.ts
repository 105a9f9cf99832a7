import { VitrinaError } from '../../errors.js';
import { defaultLimits, type Limits } from '../limits.js';
import type { XgboostLinear, XgboostModel, XgboostTree, XgboostTrees } from './model.js';

/** Sizes of the structures that the file holds as they lay in memory: little-endian, reserved fields included. */
const LEARNER = 136;
const GBTREE = 160;
const TREE = 148;
const NODE = 20;
const STATISTICS = 16;
const GBLINEAR = 136;

/**
 * Reads the binary format, which `save_model` wrote up to 2.0 and pickles of 0.90 to 1.2 hold.
 * Source: `LearnerIO::Load(dmlc::Stream*)`, `GBTreeModel::Load`, `RegTree::Load` of XGBoost 0.90 to 2.0.
 *
 * @throws VitrinaError `artefact-malformed` with the offset, `artefact-over-limit`, `artefact-unsupported`
 */
export function readBinary(bytes: Uint8Array, limits: Limits = defaultLimits): XgboostModel {
  const cursor = new Cursor(bytes, limits);
  if (cursor.startsWith('binf')) cursor.take(4);
  const learner = cursor.take(LEARNER);
  const { view } = cursor;
  const baseScore = view.getFloat32(learner, true);
  const features = view.getUint32(learner + 4, true);
  const classes = view.getInt32(learner + 8, true);
  const hasAttributes = view.getInt32(learner + 12, true) !== 0;
  const major = view.getUint32(learner + 20, true);
  const minor = view.getUint32(learner + 24, true);
  const targets = view.getUint32(learner + 28, true);
  // The header has no mark: values that no model has tell that these bytes are something else.
  if (
    !Number.isFinite(baseScore) ||
    features >= 2 ** 31 ||
    classes < 0 ||
    Math.max(classes, targets) > 2 ** 16 ||
    major > 2
  ) {
    throw cursor.damaged('its header is not one of a model');
  }
  const groups = Math.max(classes, targets, 1);
  const objective = cursor.text();
  const booster = readBooster(cursor, cursor.text(), features, groups);
  const attributes = new Map<string, string>();
  if (hasAttributes) {
    const count = cursor.count(16);
    for (let i = 0; i < count; i++) attributes.set(cursor.text(), cursor.text());
  }
  return {
    version: major === 0 ? null : [major, minor, 0],
    objective,
    objectiveParameters: readParameters(attributes.get('objective')),
    baseScore: Float32Array.of(baseScore),
    baseScoreIsMargin: major === 0,
    features,
    groups,
    attributes,
    featureNames: [],
    featureTypes: [],
    categories: [],
    booster,
  };
}

/** Since 1.0 the objective's parameters are a JSON text among the attributes; none of them changes a prediction. */
function readParameters(json: string | undefined): Readonly<Record<string, string>> {
  return json === undefined
    ? {}
    : Object.fromEntries([...json.matchAll(/"(\w+)":"([^"\\]*)"/g)].map(([, k, v]) => [k, v]));
}

function readBooster(cursor: Cursor, name: string, features: number, groups: number): XgboostTrees | XgboostLinear {
  if (name === 'gblinear') {
    cursor.take(GBLINEAR);
    const weights = cursor.floats(cursor.count(4));
    if (weights.length !== (features + 1) * groups) throw cursor.damaged(`${weights.length} weights are not enough`);
    return { kind: 'linear', weights };
  }
  if (name !== 'gbtree' && name !== 'dart') {
    throw new VitrinaError('artefact-unsupported', {
      format: 'XGBoost',
      what: `the booster ${JSON.stringify(name.slice(0, 40))}`,
      next: 'train with gbtree, dart or gblinear',
    });
  }
  const { view } = cursor;
  const parameters = cursor.take(GBTREE);
  const count = view.getInt32(parameters, true);
  if (count < 0) throw cursor.damaged(`it has ${count} trees`);
  const trees: XgboostTree[] = [];
  for (let i = 0; i < count; i++) trees.push(readTree(cursor));
  const groupsAt = cursor.take(4 * count);
  const treeGroups = Int32Array.from({ length: count }, (_, i) => view.getInt32(groupsAt + 4 * i, true));
  const weights = name === 'dart' && count > 0 ? cursor.floats(cursor.count(4)) : undefined;
  return { kind: 'trees', trees, treeGroups, roundStarts: undefined, parallelTrees: undefined, weights };
}

/** Nodes (parent, left, right, feature with the default's direction in the highest bit, value), then statistics. */
function readTree(cursor: Cursor): XgboostTree {
  const { view } = cursor;
  const parameters = cursor.take(TREE);
  const count = view.getInt32(parameters + 4, true);
  const leafSize = view.getInt32(parameters + 20, true);
  if (count <= 0) throw cursor.damaged(`a tree has ${count} nodes`);
  if (leafSize > 1) {
    const next = 'save the model as JSON with the release that wrote it';
    throw new VitrinaError('artefact-unsupported', {
      format: 'XGBoost',
      what: 'leaves that are vectors in binary',
      next,
    });
  }
  const nodes = cursor.take(NODE * count);
  cursor.take(STATISTICS * count);
  const tree = {
    left: new Int32Array(count),
    right: new Int32Array(count),
    feature: new Int32Array(count),
    threshold: new Float32Array(count),
    defaultLeft: new Uint8Array(count),
  };
  for (let row = 0; row < count; row++) {
    const at = nodes + NODE * row;
    tree.left[row] = view.getInt32(at + 4, true);
    tree.right[row] = view.getInt32(at + 8, true);
    const feature = view.getUint32(at + 12, true);
    tree.feature[row] = feature & 0x7fffffff;
    tree.defaultLeft[row] = feature >>> 31;
    tree.threshold[row] = view.getFloat32(at + 16, true);
  }
  return { ...tree, leaf: tree.threshold, leafSize: 1, categories: new Map() };
}

class Cursor {
  readonly view: DataView;
  private position = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly limits: Limits,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  damaged(what: string): VitrinaError {
    return new VitrinaError('artefact-malformed', { format: 'XGBoost binary', what, offset: this.position });
  }

  startsWith(mark: string): boolean {
    return Buffer.from(this.bytes.subarray(0, mark.length)).toString('latin1') === mark;
  }

  /** Moves past `count` bytes and returns where they begin. */
  take(count: number): number {
    const start = this.position;
    if (count > this.bytes.length - start) throw this.damaged('it ends too early');
    this.position = start + count;
    return start;
  }

  /** A count of items of at least `size` bytes each, which must be there. */
  count(size: number): number {
    const count = Number(this.view.getBigUint64(this.take(8), true));
    if (count * size > this.bytes.length - this.position) throw this.damaged(`it ends within ${count} values`);
    if (count > this.limits.count) {
      const { count: limit } = this.limits;
      const fields = { format: 'XGBoost binary', what: 'a number of values', value: count, limit, setting: 'count' };
      throw new VitrinaError('artefact-over-limit', fields);
    }
    return count;
  }

  text(): string {
    const length = this.count(1);
    const start = this.take(length);
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, length).toString('utf8');
  }

  floats(count: number): Float32Array {
    const start = this.take(4 * count);
    return Float32Array.from({ length: count }, (_, i) => this.view.getFloat32(start + 4 * i, true));
  }
}
