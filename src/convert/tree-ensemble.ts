import { VitrinaError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import type { GraphBuilder, Value } from './graph-builder.js';

/** How a node compares its feature with its threshold; the values are those of `TreeEnsemble`. */
export const branch = { leq: 0, lt: 1, gte: 2, gt: 3, eq: 4, neq: 5, member: 6 } as const;
export type Branch = (typeof branch)[keyof typeof branch];

/**
 * One tree, a column a field and a row a node; row 0 is the root. Rows that the root does not lead to are left out.
 *
 * - **left**: the row where the condition holds, negative at a leaf; **right**: the row where it does not.
 * - **mode**: how the feature is compared with **threshold**, one for all nodes or one each.
 * - **missingLeft**: 1 where NaN goes left; NaN goes right without it.
 * - **members**: at nodes of mode `member`, the whole numbers that go left; never none. All others go right.
 * - **value**: of leaves, one a row, or `targets` a row when the leaves are vectors.
 * - **target**: what each leaf adds to, where the leaves are scalars of one tree and add to different targets.
 */
export interface TreeColumns {
  readonly feature: ArrayLike<number>;
  readonly threshold: ArrayLike<number>;
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  readonly mode: Branch | ArrayLike<number>;
  readonly missingLeft?: ArrayLike<number>;
  readonly members?: (row: number) => ArrayLike<number>;
  readonly value: ArrayLike<number>;
  readonly target?: ArrayLike<number>;
}

export interface ForestShape {
  readonly dtype: 'float32' | 'float64';
  /** Columns of the input. A node that looks beyond them is refused: ONNX Runtime would read beyond the row. */
  readonly features: number;
  /** Width of the result. */
  readonly targets: number;
  /** `scalar`: a leaf adds to one target, its tree's. `vector`: a leaf has a value for each target. */
  readonly leaves?: 'scalar' | 'vector';
  /** Names the file in refusals: `XGBoost`, `pickle`. */
  readonly format: string;
}

/** `leaf` gives what each tree says, [batch, trees] or [batch, trees, targets]; the others [batch, targets]. */
export type Aggregate = 'sum' | 'average' | 'min' | 'max';

/** ONNX Runtime loads a tree by recursion, which ends a worker thread at a depth of about 5000. No trained tree comes near. */
const maxDepth = 2000;
/** Nodes may share a set, so that the file does not bound their number. */
const maxMembers = 2 ** 22;

const aggregates = { average: 0, sum: 1, min: 2, max: 3 } as const;

/**
 * Collects trees into the columns of one `TreeEnsemble`: typed arrays throughout, since a forest may have a million
 * nodes. Every tree is checked as it comes (indices, cycles, shared nodes, depth), since ONNX Runtime checks little.
 * Operator: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.TreeEnsemble
 */
export class Forest {
  private readonly vectors: boolean;
  private nodes = 0;
  private leaves = 0;
  private readonly roots: number[] = [];
  private readonly members: number[] = [];
  private anyMissingLeft = false;
  private feature = new Int32Array(256);
  private trueChild = new Int32Array(256);
  private falseChild = new Int32Array(256);
  private trueLeaf = new Uint8Array(256);
  private falseLeaf = new Uint8Array(256);
  private missing = new Uint8Array(256);
  private mode = new Uint8Array(256);
  private split = new Float64Array(256);
  private leafTarget = new Int32Array(256);
  /** Of scalar leaves their value, of vectors `targets` values each. */
  private leafValue = new Float64Array(256);

  constructor(readonly shape: ForestShape) {
    this.vectors = shape.leaves === 'vector';
  }

  /** Trees so far. */
  get size(): number {
    return this.roots.length;
  }

  /**
   * Adds a tree. `target` is what its scalar leaves add to.
   * @throws artefact-malformed when the columns are no tree, artefact-unsupported when it is too deep
   */
  addTree(tree: TreeColumns, target = 0): void {
    const { left, right, mode } = tree;
    const count = left.length;
    if (count === 0) throw this.damaged('has no nodes');
    for (const column of [right, tree.feature, tree.threshold]) {
      if (column.length !== count) throw this.damaged('has columns of different lengths');
    }
    this.reserve(count);
    const { features } = this.shape;
    const rootNode = this.nodes;
    this.roots.push(rootNode);
    if (left[0]! < 0) {
      // A node that leads to one leaf on both sides, which is how the operator writes a tree of one leaf.
      const leaf = this.addLeaf(tree, 0, target);
      this.addNode(0, 0, branch.leq, false);
      this.connect(rootNode, true, leaf, true);
      this.connect(rootNode, false, leaf, true);
      return;
    }
    const seen = new Uint8Array(count);
    seen[0] = 1;
    // Rows that wait, with the node that leads to them (its complement when on the false side) and their depth.
    const stack: number[] = [0, 0, 0];
    while (stack.length > 0) {
      const depth = stack.pop()!;
      const from = stack.pop()!;
      const row = stack.pop()!;
      const isRoot = depth === 0;
      const onTrue = from >= 0;
      const parent = onTrue ? from : ~from;
      const trueRow = left[row]!;
      if (trueRow < 0) {
        this.connect(parent, onTrue, this.addLeaf(tree, row, target), true);
        continue;
      }
      const falseRow = right[row]!;
      for (const child of [trueRow, falseRow]) {
        if (!(child >= 0 && child < count)) throw this.damaged(`leads to node ${child} of ${count}`);
        if (seen[child] === 1) throw this.damaged(`leads to its node ${child} twice`);
        seen[child] = 1;
      }
      if (depth >= maxDepth) {
        throw this.tooLarge('a tree with a depth', depth + 1, maxDepth);
      }
      const feature = tree.feature[row]!;
      if (!(feature >= 0 && feature < features)) throw this.damaged(`asks for feature ${feature} of ${features}`);
      const node = this.nodes;
      const how = typeof mode === 'number' ? mode : (mode[row] as Branch);
      this.addNode(feature, tree.threshold[row]!, how, tree.missingLeft?.[row] === 1);
      if (how === branch.member) this.addMembers(tree.members?.(row) ?? []);
      if (!isRoot) this.connect(parent, onTrue, node, false);
      stack.push(falseRow, ~node, depth + 1, trueRow, node, depth + 1);
    }
  }

  /**
   * Adds the ensemble to the graph. `X` is [batch, features] of the forest's type; the result [batch, targets].
   * Trees are added up in the order in which they came, from zero, in the forest's type.
   */
  addTo(graph: GraphBuilder, X: Value, aggregate: Aggregate = 'sum', name = 'trees'): Value {
    if (!this.vectors) {
      return this.ensemble(graph, X, this.leafTarget, this.leafValue, this.shape.targets, aggregate, name);
    }
    const each = this.leafVectors(graph, X, name);
    const axis = graph.int64s([1], 'axes');
    return graph.node(reductions[aggregate], [each, axis], { keepdims: 0 }, { name });
  }

  /** What each tree says: [batch, trees, targets] of a forest whose leaves are vectors. */
  leafVectors(graph: GraphBuilder, X: Value, name = 'trees'): Value {
    // TreeEnsemble has one number a leaf: the trees give the leaf's row in a table of vectors.
    const { dtype, targets } = this.shape;
    if (dtype === 'float32' && this.leaves > 2 ** 24) {
      const next = 'train fewer or smaller trees';
      throw new VitrinaError('artefact-unsupported', {
        format: this.shape.format,
        what: `${this.leaves} leaves`,
        next,
      });
    }
    const rows = Float64Array.from({ length: this.leaves }, (_, leaf) => leaf);
    const found = this.ensemble(graph, X, this.leafTarget, rows, this.size, 'sum', `${name}_leaf`);
    const index = graph.node('Cast', [found], { to: 7 }, { name: `${name}_row` });
    const table = graph.constant(
      { dtype, shape: [this.leaves, targets], data: this.values(this.leafValue, this.leaves * targets) },
      `${name}_leaves`,
    );
    return graph.node('Gather', [table, index], { axis: 0 }, { name: `${name}_values` });
  }

  private ensemble(
    graph: GraphBuilder,
    X: Value,
    leafTarget: Int32Array,
    leafValue: Float64Array,
    targets: number,
    aggregate: Aggregate,
    name: string,
  ): Value {
    if (this.size === 0) throw this.damaged('is missing: the ensemble has none');
    const { dtype } = this.shape;
    const { nodes, leaves } = this;
    const vector = (data: Tensor['data'], type: Tensor['dtype'] = dtype): Tensor => ({
      dtype: type,
      shape: [data.length],
      data,
    });
    const attributes = {
      aggregate_function: aggregates[aggregate],
      leaf_targetids: leafTarget.subarray(0, leaves),
      leaf_weights: vector(this.values(leafValue, leaves)),
      n_targets: targets,
      nodes_falseleafs: this.falseLeaf.subarray(0, nodes),
      nodes_falsenodeids: this.falseChild.subarray(0, nodes),
      nodes_featureids: this.feature.subarray(0, nodes),
      nodes_modes: vector(this.mode.subarray(0, nodes), 'uint8'),
      nodes_splits: vector(this.values(this.split, nodes)),
      nodes_trueleafs: this.trueLeaf.subarray(0, nodes),
      nodes_truenodeids: this.trueChild.subarray(0, nodes),
      tree_roots: Int32Array.from(this.roots),
      ...(this.anyMissingLeft ? { nodes_missing_value_tracks_true: this.missing.subarray(0, nodes) } : {}),
      ...(this.members.length === 0
        ? {}
        : { membership_values: vector(this.values(this.members, this.members.length)) }),
    };
    return graph.node('TreeEnsemble', [X], attributes, { domain: 'ai.onnx.ml', name });
  }

  private values(source: ArrayLike<number>, length: number): Float32Array | Float64Array {
    const target = this.shape.dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
    target.set(source instanceof Float64Array ? source.subarray(0, length) : source);
    return target;
  }

  private addNode(feature: number, threshold: number, mode: number, missingLeft: boolean): void {
    const node = this.nodes++;
    this.feature[node] = feature;
    this.split[node] = threshold;
    this.mode[node] = mode;
    if (missingLeft) {
      this.missing[node] = 1;
      this.anyMissingLeft = true;
    }
  }

  private addLeaf(tree: TreeColumns, row: number, target: number): number {
    const leaf = this.leaves++;
    if (this.vectors) {
      const { targets } = this.shape;
      if ((row + 1) * targets > tree.value.length) throw this.damaged('has leaves without values');
      for (let i = 0; i < targets; i++) this.leafValue[leaf * targets + i] = tree.value[row * targets + i]!;
      this.leafTarget[leaf] = this.size - 1;
    } else {
      if (row >= tree.value.length) throw this.damaged('has leaves without values');
      const own = tree.target?.[row] ?? target;
      if (!(own >= 0 && own < this.shape.targets)) throw this.damaged(`adds to target ${own}`);
      this.leafValue[leaf] = tree.value[row]!;
      this.leafTarget[leaf] = own;
    }
    return leaf;
  }

  private connect(parent: number, onTrue: boolean, child: number, isLeaf: boolean): void {
    if (onTrue) {
      this.trueChild[parent] = child;
      this.trueLeaf[parent] = isLeaf ? 1 : 0;
    } else {
      this.falseChild[parent] = child;
      this.falseLeaf[parent] = isLeaf ? 1 : 0;
    }
  }

  /** Sets are written one after the other, NaN between them. */
  private addMembers(members: ArrayLike<number>): void {
    if (members.length === 0) throw this.damaged('has a node with an empty set of categories');
    const total = this.members.length + members.length;
    if (total > maxMembers) throw this.tooLarge('a number of categories', total, maxMembers);
    for (let i = 0; i < members.length; i++) this.members.push(members[i]!);
    this.members.push(Number.NaN);
  }

  /** Makes room for `count` more nodes and leaves. */
  private reserve(count: number): void {
    const nodes = this.nodes + count;
    if (nodes > this.feature.length) {
      const size = Math.max(nodes, this.feature.length * 2);
      this.feature = grown(this.feature, new Int32Array(size));
      this.trueChild = grown(this.trueChild, new Int32Array(size));
      this.falseChild = grown(this.falseChild, new Int32Array(size));
      this.trueLeaf = grown(this.trueLeaf, new Uint8Array(size));
      this.falseLeaf = grown(this.falseLeaf, new Uint8Array(size));
      this.missing = grown(this.missing, new Uint8Array(size));
      this.mode = grown(this.mode, new Uint8Array(size));
      this.split = grown(this.split, new Float64Array(size));
    }
    const leaves = this.leaves + count;
    const width = this.vectors ? this.shape.targets : 1;
    if (leaves > this.leafTarget.length || leaves * width > this.leafValue.length) {
      const size = Math.max(leaves, this.leafTarget.length * 2);
      this.leafTarget = grown(this.leafTarget, new Int32Array(size));
      this.leafValue = grown(this.leafValue, new Float64Array(size * width));
    }
  }

  private tooLarge(what: string, value: number, limit: number): VitrinaError {
    return new VitrinaError('artefact-unsupported', {
      format: this.shape.format,
      what: `${what} of ${value}`,
      next: `at most ${limit} are read; train smaller trees`,
    });
  }

  private damaged(what: string): VitrinaError {
    return new VitrinaError('artefact-malformed', { format: this.shape.format, what: `tree ${this.size} ${what}` });
  }
}

const reductions = { sum: 'ReduceSum', average: 'ReduceMean', min: 'ReduceMin', max: 'ReduceMax' } as const;

function grown<T extends Int32Array | Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
