import { VitrinaError } from '../../errors.js';
import type { XgboostLinear, XgboostModel, XgboostTree, XgboostTrees } from '../../formats/xgboost/index.js';
import { Columns } from '../boosting/columns.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import { branch, Forest } from '../tree-ensemble.js';
import { isSince, toMargin } from './objective.js';

const format = 'XGBoost';

/**
 * Adds the sum of the trees (or of the linear booster): `X` is float32 [batch, features], NaN where a value is missing;
 * the result float32 [batch, groups].
 *
 * XGBoost computes in float32, in the order of the trees: since 1.3 from the base score on, before it from zero with
 * the base score added last. Both are kept, so that the sum is equal to the last bit.
 */
export function addMargin(graph: GraphBuilder, model: XgboostModel, X: Value, options: MarginOptions = {}): Value {
  const base = baseMargin(model);
  if (model.booster.kind === 'linear') return addLinear(graph, model, model.booster, base, X);
  return addTrees(graph, model, model.booster, base, X, options);
}

export interface MarginOptions {
  /** How many trees count, all unless told. */
  readonly trees?: number | undefined;
  /** Whether the wrapper's way of predicting (`inplace_predict`) is meant: of `dart` its roundings differ. */
  readonly inPlace?: boolean;
}

/** One value a group. */
function baseMargin(model: XgboostModel): Float32Array {
  const { baseScore, groups, baseScoreIsMargin } = model;
  const margins = baseScoreIsMargin ? baseScore : toMargin(model, baseScore);
  return margins.length === groups ? margins : new Float32Array(groups).fill(margins[0]!);
}

/** Trees of the first `rounds` rounds. @throws artefact-malformed */
export function treesOfRounds({ booster, groups }: XgboostModel, rounds: number): number {
  if (booster.kind === 'linear') return 0;
  const { roundStarts, parallelTrees = 1, trees } = booster;
  const count = roundStarts === undefined ? rounds * parallelTrees * groups : (roundStarts[rounds] ?? trees.length);
  return Math.max(0, Math.min(count, trees.length));
}

/** Of `dart` since 1.4, of `gbtree` since 1.3. */
const startsFromBase = (model: XgboostModel, isDart: boolean) => isSince(model, 1, isDart ? 4 : 3);

const constantTree = (value: number) => ({
  feature: [0],
  threshold: [0],
  left: [-1],
  right: [-1],
  mode: branch.lt,
  value: [value],
});

function addTrees(
  graph: GraphBuilder,
  model: XgboostModel,
  { trees, treeGroups, weights }: XgboostTrees,
  base: Float32Array,
  X: Value,
  { trees: count = trees.length, inPlace = false }: MarginOptions,
): Value {
  const { features, groups } = model;
  const used = trees.slice(0, count);
  const vectors = used.some(({ leafSize }) => leafSize > 1);
  if (vectors && !used.every(({ leafSize }) => leafSize === groups)) {
    throw new VitrinaError('artefact-malformed', { format, what: `its leaves do not hold ${groups} values` });
  }
  const columns = new Columns(features, {
    number: (_, value) => value,
    // A category is the whole part; what is negative is none, whatever its whole part.
    category: (builder, value) => builder.node('Floor', [value]),
  });
  const rows = used.map((tree) => treeColumns(tree, features, columns));
  const forest = new Forest({
    dtype: 'float32',
    features: columns.size,
    targets: groups,
    leaves: vectors ? 'vector' : 'scalar',
    format,
  });
  const baseFirst = !vectors && startsFromBase(model, weights !== undefined);
  if (baseFirst) for (const [group, value] of base.entries()) forest.addTree(constantTree(value), group);
  // From 1.4 to 3.2 the wrapper had each tree of dart begin at the base score, and took it off again.
  const rounds = inPlace && isSince(model, 1, 4) && !isSince(model, 3, 3);
  const throughBase = (leaf: number) => (rounds ? Math.fround(Math.fround(base[0]! + leaf) - base[0]!) : leaf);
  used.forEach((tree, i) => {
    const weight = weights?.[i];
    const value = weight === undefined ? tree.leaf : tree.leaf.map((leaf) => throughBase(leaf) * weight);
    forest.addTree({ ...rows[i]!, value }, treeGroups[i]!);
  });
  const constant = graph.constant({ dtype: 'float32', shape: [groups], data: base }, 'base_score');
  if (forest.size === 0) {
    // No trees at all: a column of the input gives the number of rows.
    const first = graph.node('Gather', [X, graph.int64s([0], 'columns')], { axis: 1 });
    const zero = graph.node('Where', [graph.node('IsNaN', [first]), graph.scalar(0), graph.scalar(0)]);
    return graph.node('Add', [zero, constant], {}, { name: 'margin' });
  }
  const sum = forest.addTo(graph, columns.addTo(graph, X), 'sum', 'margin');
  return baseFirst ? sum : graph.node('Add', [constant, sum], {}, { name: 'margin' });
}

/** Categorical nodes send the categories of their set to the right, so that their condition is turned around. */
function treeColumns(tree: XgboostTree, features: number, columns: Columns<'number' | 'category'>) {
  const { left, right, feature, threshold, defaultLeft, categories } = tree;
  // Columns beyond the features are the same features read otherwise: no node may reach them by its number.
  const beyond = feature.find((index, row) => left[row]! >= 0 && !(index >= 0 && index < features));
  if (beyond !== undefined) {
    throw new VitrinaError('artefact-malformed', { format, what: `a node asks for feature ${beyond} of ${features}` });
  }
  const number = columns.offset('number');
  if (categories.size === 0) {
    const shifted = number === 0 ? feature : feature.map((index) => index + number);
    return { left, right, feature: shifted, threshold, mode: branch.lt, missingLeft: defaultLeft };
  }
  const turned = {
    left: left.slice(),
    right: right.slice(),
    feature: feature.map((index) => index + number),
    threshold,
    mode: new Uint8Array(left.length).fill(branch.lt),
    missingLeft: defaultLeft.slice(),
    members: (row: number) => categories.get(row) ?? [],
  };
  for (const row of categories.keys()) {
    if (row < 0 || row >= left.length || left[row]! < 0) continue;
    turned.left[row] = right[row]!;
    turned.right[row] = left[row]!;
    turned.feature[row] = feature[row]! + columns.offset('category');
    turned.mode[row] = branch.member;
    turned.missingLeft[row] = 1 - defaultLeft[row]!;
  }
  return turned;
}

/** bias + base score + feature · weight, one after the other; missing values count nothing. */
function addLinear(
  graph: GraphBuilder,
  { features, groups }: XgboostModel,
  { weights }: XgboostLinear,
  base: Float32Array,
  X: Value,
): Value {
  if (weights.length !== (features + 1) * groups) {
    const what = `it has ${weights.length} weights in place of ${(features + 1) * groups}`;
    throw new VitrinaError('artefact-malformed', { format, what });
  }
  // With a base score for each group (3.1 and later) the linear booster takes the first for all.
  const bias = Float32Array.from(base, (_, group) => weights[features * groups + group]! + base[0]!);
  const table = graph.constant(
    { dtype: 'float32', shape: [features, groups], data: weights.slice(0, -groups) },
    'weights',
  );
  const present = graph.node('Where', [graph.node('IsNaN', [X]), graph.scalar(0), X]);
  const products = graph.node('Mul', [graph.node('Unsqueeze', [present, graph.int64s([2])]), table]);
  // A running sum adds one after the other, as XGBoost does; a product of matrices would add in another order.
  const first = graph.constant({ dtype: 'float32', shape: [1, 1, groups], data: bias }, 'bias');
  const batch = graph.node('Slice', [graph.node('Shape', [X]), graph.int64s([0]), graph.int64s([1])]);
  const shape = graph.node('Concat', [batch, graph.int64s([1, groups])], { axis: 0 });
  const terms = graph.node('Concat', [graph.node('Expand', [first, shape]), products], { axis: 1 });
  const axis = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(1n) }, 'axis');
  const sums = graph.node('CumSum', [terms, axis]);
  const last = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(features)) }, 'last');
  return graph.node('Gather', [sums, last], { axis: 1 }, { name: 'margin' });
}
