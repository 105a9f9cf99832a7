import { VitrinaError } from '../../errors.js';
import type { LightgbmTree } from '../../formats/lightgbm/index.js';
import type { Columns } from '../boosting/columns.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import { Forest, type TreeColumns } from '../tree-ensemble.js';

export interface LinearTrees {
  readonly trees: readonly LightgbmTree[];
  /** Columns of each tree: nodes, then leaves. */
  readonly rows: readonly TreeColumns[];
  readonly columns: Pick<Columns<string>, 'size' | 'addTo'>;
  readonly features: number;
  readonly targets: number;
}

/** Numbers in the table of all leaves; all are as wide as the longest, so that the file does not bound them. */
const maxSize = 2 ** 24;

/**
 * Sums of trees whose leaves are linear models: [batch, targets]. A leaf is a vector: its value, its constant, its
 * coefficients and the numbers of their features, filled up to the longest of all leaves.
 */
export function addLinearTrees(
  graph: GraphBuilder,
  { trees, rows, columns, features, targets }: LinearTrees,
  X: Value,
) {
  const longest = Math.max(1, ...trees.map(({ linear }) => longestOf(linear?.starts)));
  const width = 2 + 2 * longest;
  const size = width * rows.reduce((sum, { left }) => sum + left.length, 0);
  if (size > maxSize) {
    throw new VitrinaError('artefact-unsupported', {
      format: 'LightGBM',
      what: `linear models of ${longest} features in ${rows.length} trees`,
      next: 'train with linear_tree=False, or fewer trees',
    });
  }
  const forest = new Forest({
    dtype: 'float64',
    features: columns.size,
    targets: width,
    leaves: 'vector',
    format: 'LightGBM',
  });
  for (const [i, row] of rows.entries()) {
    forest.addTree({ ...row, value: leafVectors(trees[i]!, row.left.length, longest, features) });
  }
  // [batch, trees, width]
  const leaves = forest.leafVectors(graph, columns.addTo(graph, X), 'linear');
  const part = (from: number, to: number) =>
    graph.node('Slice', [leaves, graph.int64s([from]), graph.int64s([to]), graph.int64s([2])]);
  // One column more, of zeros, is what leaves of fewer terms point at.
  const first = graph.node('Gather', [X, graph.int64s([0], 'columns')], { axis: 1 });
  const zero = graph.scalar(0, 'float64');
  const zeros = graph.node('Where', [graph.node('IsNaN', [first]), zero, zero]);
  const wide = graph.node('Concat', [X, zeros], { axis: 1 });
  const index = graph.node('Cast', [part(2 + longest, width)], { to: 7 });
  const flat = graph.node('Reshape', [index, graph.int64s([-1, trees.length * longest])]);
  const values = graph.node('Reshape', [
    graph.node('GatherElements', [wide, flat], { axis: 1 }),
    graph.int64s([-1, trees.length, longest]),
  ]);
  const isMissing = graph.node('IsNaN', [values]);
  const terms = graph.node('Mul', [part(2, 2 + longest), graph.node('Where', [isMissing, zero, values])]);
  const last = graph.int64s([2]);
  const sum = graph.node('Add', [part(1, 2), graph.node('ReduceSum', [terms, last], { keepdims: 1 })]);
  const anyMissing = graph.node('ReduceMax', [graph.node('Cast', [isMissing], { to: 6 }), last], { keepdims: 1 });
  const output = graph.node('Where', [graph.node('Cast', [anyMissing], { to: 9 }), part(0, 1), sum]);
  // Trees of one round stand side by side, one a target.
  const rounds = graph.node('Reshape', [output, graph.int64s([-1, trees.length / targets, targets])]);
  return graph.node('ReduceSum', [rounds, graph.int64s([1])], { keepdims: 0 }, { name: 'margin' });
}

function longestOf(starts: Int32Array | undefined): number {
  let longest = 0;
  for (let i = 1; i < (starts?.length ?? 0); i++) longest = Math.max(longest, starts![i]! - starts![i - 1]!);
  return longest;
}

/** One vector a row; those of nodes stay zero. */
function leafVectors({ leaf, linear }: LightgbmTree, rows: number, longest: number, features: number): Float64Array {
  const width = 2 + 2 * longest;
  const vectors = new Float64Array(rows * width);
  const nodes = rows - leaf.length;
  leaf.forEach((value, i) => {
    const at = (nodes + i) * width;
    vectors[at] = value;
    vectors[at + 1] = linear === undefined ? value : linear.constants[i]!;
    vectors.fill(features, at + 2 + longest, at + width);
    if (linear === undefined) return;
    const start = linear.starts[i]!;
    for (let term = start; term < linear.starts[i + 1]!; term++) {
      const feature = linear.features[term]!;
      if (!(feature >= 0 && feature < features)) {
        const what = `a leaf asks for feature ${feature} of ${features}`;
        throw new VitrinaError('artefact-malformed', { format: 'LightGBM', what });
      }
      vectors[at + 2 + term - start] = linear.coefficients[term]!;
      vectors[at + 2 + longest + term - start] = feature;
    }
  });
  return vectors;
}
