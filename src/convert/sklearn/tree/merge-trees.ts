import { PythonObject, type PythonValue } from '../../../formats/pickle/index.js';
import type { Call } from '../call.js';
import type { Estimator } from '../estimator.js';
import { type NodeTable, readTree } from './node-table.js';

/** A tree of an ensemble: the estimator and its nodes. */
export interface Member {
  readonly estimator: Estimator;
  readonly nodes: NodeTable;
}

const treeModule = 'sklearn.tree._classes.';

/**
 * The parts of an ensemble where all are trees of one class and shape, so that one `TreeEnsemble` serves them all;
 * `undefined` where they are something else.
 */
export function readMembers(call: Call, parts: readonly PythonValue[]): Member[] | undefined {
  const [first] = parts;
  if (!(first instanceof PythonObject) || !first.global.id.startsWith(treeModule)) return undefined;
  const same = (part: PythonValue) => part instanceof PythonObject && part.global.id === first.global.id;
  if (!parts.every(same)) return undefined;
  const members = parts.map((part) => {
    const estimator = call.context.estimatorOf(part, call.estimator);
    return { estimator, nodes: readTree(estimator) };
  });
  const { features, outputs } = members[0]!.nodes;
  if (members.some(({ nodes }) => nodes.features !== features || nodes.outputs !== outputs)) {
    return call.estimator.refuse('its trees are of different shapes');
  }
  call.context.components.add(first.global.name);
  return members;
}

/** The tree on the columns that it was not fitted on alone: its feature i is column `columns[i]`. */
export function onColumns(estimator: Estimator, nodes: NodeTable, columns: readonly number[]): NodeTable {
  if (columns.length !== nodes.features) {
    return estimator.refuse(`a tree has ${nodes.features} features, and ${columns.length} columns are chosen for it`);
  }
  return { ...nodes, feature: nodes.feature.map((feature) => (feature < 0 ? feature : (columns[feature] ?? -1))) };
}
