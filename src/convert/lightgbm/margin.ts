import { VitrinaError } from '../../errors.js';
import type { LightgbmModel, LightgbmTree } from '../../formats/lightgbm/index.js';
import { Columns, type Reading } from '../boosting/columns.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import { branch, Forest, type TreeColumns } from '../tree-ensemble.js';
import { addLinearTrees } from './linear-trees.js';

const format = 'LightGBM';

/** What LightGBM takes for zero: `1e-35f`, widened. */
const zero = Math.fround(1e-35);

const CATEGORICAL = 1;
const DEFAULT_LEFT = 2;
/** Bits 2 and 3 of a decision: what counts as missing. */
const missing = { none: 0, zero: 1, nan: 2 } as const;
type Way = 'number' | 'zeroAsMissing' | 'category';

/**
 * Adds the sums of the trees: `X` is float64 [batch, features], NaN where a value is missing; the result float64
 * [batch, treesPerRound]. `rounds` limits the rounds of boosting that count, all unless told. LightGBM adds in float64 in
 * the order of the trees, and so does the graph.
 *
 * @throws artefact-malformed
 */
export function addMargin(graph: GraphBuilder, model: LightgbmModel, X: Value, rounds: number): Value {
  const { features, treesPerRound } = model;
  const trees = model.trees.slice(0, rounds * treesPerRound);
  const readings = { number: (_: GraphBuilder, value: Value) => value, zeroAsMissing, category: wholePart };
  const columns = new Columns<Way>(features, readings);
  const rows = trees.map((tree) => treeColumns(tree, features, columns));
  const sum = trees.some(({ linear }) => linear !== undefined)
    ? addLinearTrees(graph, { trees, rows, columns, features, targets: treesPerRound }, X)
    : addTrees(graph, { rows, columns, targets: treesPerRound }, X);
  if (!model.averageOutput) return sum;
  return graph.node('Div', [sum, graph.scalar(trees.length / treesPerRound, 'float64')]);
}

const zeroAsMissing: Reading = (graph, value) => {
  const isZero = graph.node('LessOrEqual', [graph.node('Abs', [value]), graph.scalar(zero, 'float64')]);
  return graph.node('Where', [isZero, graph.scalar(Number.NaN, 'float64'), value]);
};

/** Towards zero, as a cast to an integer: -0.5 is the category 0. */
const wholePart: Reading = (graph, value) =>
  graph.node('Mul', [graph.node('Sign', [value]), graph.node('Floor', [graph.node('Abs', [value])])]);

function addTrees(
  graph: GraphBuilder,
  { rows, columns, targets }: { rows: readonly TreeColumns[]; columns: Columns<Way>; targets: number },
  X: Value,
): Value {
  const forest = new Forest({ dtype: 'float64', features: columns.size, targets, format });
  for (const [i, row] of rows.entries()) forest.addTree(row, i % targets);
  return forest.addTo(graph, columns.addTo(graph, X), 'sum', 'margin');
}

/** Nodes, then leaves, in one row of columns. */
function treeColumns(tree: LightgbmTree, features: number, columns: Columns<Way>) {
  const { left, right, decision, leaf } = tree;
  const nodes = left.length;
  const count = nodes + leaf.length;
  const row = (child: number) => (child >= 0 ? (child < nodes ? child : count) : nodes - 1 - child);
  const result = {
    left: new Int32Array(count).fill(-1),
    right: new Int32Array(count).fill(-1),
    feature: new Int32Array(count),
    threshold: new Float64Array(count),
    mode: new Uint8Array(count),
    missingLeft: new Uint8Array(count),
    value: new Float64Array(count),
    members: (node: number) => membersOf(tree, node),
  };
  for (let node = 0; node < nodes; node++) {
    result.left[node] = row(left[node]!);
    result.right[node] = row(right[node]!);
    const feature = tree.feature[node]!;
    // Columns beyond the features are the same features read otherwise: no node may reach them by its number.
    if (!(feature >= 0 && feature < features)) throw damaged(`a node asks for feature ${feature} of ${features}`);
    const how = decision[node]!;
    if ((how & CATEGORICAL) !== 0) {
      result.mode[node] = branch.member;
      result.feature[node] = feature + columns.offset('category');
      continue;
    }
    const kind = (how >> 2) & 3;
    if (kind > missing.nan) throw damaged(`a node has the decision type ${how}`);
    const { threshold, mode } = toCondition(tree.threshold[node]!);
    result.mode[node] = mode;
    result.threshold[node] = threshold;
    result.feature[node] = feature + columns.offset(kind === missing.zero ? 'zeroAsMissing' : 'number');
    // Where nothing counts as missing, NaN is taken as zero.
    const missingLeft = kind === missing.none ? tree.threshold[node]! >= 0 : (how & DEFAULT_LEFT) !== 0;
    result.missingLeft[node] = missingLeft ? 1 : 0;
  }
  result.value.set(leaf, nodes);
  return result;
}

/**
 * `x <= threshold`, as LightGBM computes it on values of which all that are as small as `zero` were made zero before:
 * a threshold among them divides at one of the two ends.
 */
function toCondition(threshold: number): { threshold: number; mode: number } {
  if (!(threshold >= -zero && threshold < zero)) return { threshold, mode: branch.leq };
  return threshold >= 0 ? { threshold: zero, mode: branch.leq } : { threshold: -zero, mode: branch.lt };
}

/** The categories of the set of `node`; a set that is empty holds what no category is. */
function membersOf({ threshold, categoryStarts, categoryBits }: LightgbmTree, node: number): ArrayLike<number> {
  const set = threshold[node]!;
  const start = categoryStarts[set];
  const end = categoryStarts[set + 1];
  if (start === undefined || end === undefined) throw damaged(`a node asks for the set of categories ${set}`);
  if (end - start > maxWords) {
    const next = `at most ${maxWords * 32} are read; number the categories from 0`;
    throw new VitrinaError('artefact-unsupported', { format, what: `sets of ${(end - start) * 32} categories`, next });
  }
  const members: number[] = [];
  for (let word = start; word < end; word++) {
    const bits = categoryBits[word]!;
    for (let bit = 0; bit < 32; bit++) if ((bits >>> bit) & 1) members.push((word - start) * 32 + bit);
  }
  return members.length === 0 ? [-1] : members;
}

/** Words of 32 categories in one set. */
const maxWords = 2 ** 16;

const damaged = (what: string) => new VitrinaError('artefact-malformed', { format, what });
