import type { Value } from '../../graph-builder.js';
import { Forest, type TreeColumns } from '../../tree-ensemble.js';
import type { Call } from '../call.js';

/** A tree whose `value` has `width` numbers a row. */
export type LeafTree = TreeColumns;

/** Trees whose leaves are looked up at once: what they say takes trees × width × 8 bytes a row. */
const groupSize = 64;

/**
 * [batch, features] → [batch, width]: what the leaves of the trees say, added up tree after tree from zero. The order
 * is scikit-learn's, so that two classes which tie there to the last bit do so here.
 */
export function sumLeaves(call: Call, X: Value, features: number, width: number, trees: readonly LeafTree[]): Value {
  const { graph } = call;
  const single = trees.length > 1 || width === 1 ? singleTargets(trees, width) : undefined;
  if (single !== undefined) {
    const forest = new Forest({ dtype: 'float64', features, targets: width, format: 'pickle' });
    for (const [i, tree] of trees.entries()) forest.addTree({ ...tree, ...single[i]! });
    return forest.addTo(graph, X);
  }
  let sum: Value | undefined;
  for (let from = 0; from < trees.length; from += groupSize) {
    const forest = new Forest({ dtype: 'float64', features, targets: width, leaves: 'vector', format: 'pickle' });
    for (const tree of trees.slice(from, from + groupSize)) forest.addTree(tree);
    const each = forest.leafVectors(graph, X);
    const axis = graph.int64s([1], 'axes');
    if (sum === undefined && forest.size === 1) {
      sum = call.node('Squeeze', [each, axis]);
      continue;
    }
    // ReduceSum adds in an order of its own; a running sum has no choice.
    const terms: Value =
      sum === undefined ? each : call.node('Concat', [call.node('Unsqueeze', [sum, axis]), each], { axis: 1 });
    const sums = call.node('CumSum', [
      terms,
      graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(1n) }),
    ]);
    const last = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(-1n) });
    sum = call.node('Gather', [sums, last], { axis: 1 });
  }
  return sum!;
}

/**
 * Leaves as one number each, where every leaf speaks of one target at most: pure leaves of a classifier, regression.
 * Such trees need no table of leaves. `undefined` where a leaf has more to say.
 */
function singleTargets(
  trees: readonly LeafTree[],
  width: number,
): { value: ArrayLike<number>; target: ArrayLike<number> }[] | undefined {
  if (width === 1) return trees.map(({ value, left }) => ({ value, target: new Uint8Array(left.length) }));
  const result = [];
  for (const { left, value } of trees) {
    const own = new Float64Array(left.length);
    const target = new Int32Array(left.length);
    for (let row = 0; row < own.length; row++) {
      if (left[row]! >= 0) continue;
      let found = 0;
      for (let i = 0; i < width; i++) {
        const item = value[row * width + i]!;
        if (item === 0) continue;
        if (++found > 1) return undefined;
        own[row] = item;
        target[row] = i;
      }
    }
    result.push({ value: own, target });
  }
  return result;
}
