import { Forest } from '../../tree-ensemble.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Estimator, listOf, toNumbers } from '../estimator.js';
import type { SparseMatrix } from '../features.js';
import { readMembers } from '../tree/merge-trees.js';
import { type NodeTable, readTree } from '../tree/node-table.js';
import { takesMissing, treeInput } from '../tree/tree-input.js';
import { forestParameters } from './forest.js';
import { partsOf } from './parts.js';

/** [batch, n] → transform [batch, leaves of all trees]: 1 for the leaf of each tree that the row comes to. */
export const randomTreesEmbedding: EstimatorConverter = {
  className: 'sklearn.ensemble._forest.RandomTreesEmbedding',
  parameters: [...forestParameters, 'sparse_output'],
  input: (estimator) => tableOf(estimator, readTree(estimator.partOf(partsOf(estimator)[0])).features),
  convert: (call) => ({ transform: () => embedded(call) }),
};

function embedded(call: Call): SparseMatrix {
  const { estimator, graph } = call;
  const members = readMembers(call, partsOf(estimator)) ?? estimator.refuse('its estimators are no trees');
  const [first] = members;
  const { features } = first!.nodes;
  const forest = new Forest({ dtype: 'float64', features, targets: members.length, format: 'pickle' });
  const known = knownLeaves(estimator, members.length);
  let size = 0;
  for (const [i, { nodes }] of members.entries()) {
    const leaves = known?.[i] ?? leavesOf(nodes);
    const value = new Float64Array(nodes.left.length).fill(-1);
    for (const leaf of leaves) value[leaf] = size++;
    if (leavesOf(nodes).some((leaf) => value[leaf]! < 0)) estimator.refuse('its encoder does not know all leaves');
    forest.addTree({ ...nodes, value }, i);
  }
  const missing = estimator.since([1, 4]) && takesMissing(first!.estimator);
  const columns = forest.addTo(graph, treeInput(call, features, missing));
  const values = call.node('Expand', [call.scalar(1), call.node('Shape', [columns])]);
  return { kind: 'sparse', indices: call.node('Cast', [columns], { to: 7 }), values, size, finite: true };
}

/** Leaves that the encoder has columns for, tree by tree; releases before 0.20 had one for each that there is. */
function knownLeaves(estimator: Estimator, trees: number): readonly Float64Array[] | undefined {
  const lists = listOf(estimator.partOf(estimator.get('one_hot_encoder_')).get('categories_'));
  if (lists === undefined) return undefined;
  if (lists.length !== trees) return estimator.refuse('its encoder should have a column for each tree');
  return lists.map((list) => toNumbers(list)?.data ?? estimator.refuse('its encoder should know leaves by number'));
}

const leavesOf = ({ left }: NodeTable) => Float64Array.from(left.keys()).filter((row) => left[row]! < 0);
