import type { Value } from '../graph-builder.js';
import { branch, Forest } from '../tree-ensemble.js';
import type { Call } from './call.js';

/**
 * How many of the ascending `edges` of each column lie below a value: [batch, columns] float64, as
 * `numpy.searchsorted(edges[j], x[:, j], side)`. `left` counts edges below x, `right` those that equal it too.
 * Each column is a balanced tree, so that a thousand quantiles cost ten comparisons. NaN counts none.
 */
export function searchSorted(
  call: Call,
  x: Value,
  edges: readonly (readonly number[] | Float64Array)[],
  side: 'left' | 'right',
): Value {
  const forest = new Forest({ dtype: 'float64', features: edges.length, targets: edges.length, format: 'pickle' });
  for (const [column, own] of edges.entries()) {
    if (own.some((edge, i) => Number.isNaN(edge) || edge < (own[i - 1] ?? edge))) {
      call.estimator.refuse(`the edges of column ${column} are not in ascending order`);
    }
    forest.addTree(treeOf(own, column, side), column);
  }
  return forest.addTo(call.graph, x, 'sum', 'place');
}

/** The left child of a node is where x is beyond its edge, so that NaN, which fails every test, goes to the right. */
function treeOf(edges: readonly number[] | Float64Array, column: number, side: 'left' | 'right') {
  const feature: number[] = [];
  const threshold: number[] = [];
  const left: number[] = [];
  const right: number[] = [];
  const value: number[] = [];
  const add = (from: number, to: number): number => {
    const row = feature.length;
    const middle = (from + to) >> 1;
    feature.push(column);
    threshold.push(from < to ? edges[middle]! : 0);
    value.push(from);
    left.push(-1);
    right.push(-1);
    if (from < to) {
      left[row] = add(middle + 1, to);
      right[row] = add(from, middle);
    }
    return row;
  };
  add(0, edges.length);
  return { feature, threshold, left, right, value, mode: side === 'right' ? branch.gte : branch.gt };
}
