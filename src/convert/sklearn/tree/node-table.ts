import { NumpyArray, PythonDict, PythonObject, type PythonValue } from '../../../formats/pickle/index.js';
import type { Tensor } from '../../../tensor.js';
import { branch, type TreeColumns } from '../../tree-ensemble.js';
import { type Estimator, unwrap } from '../estimator.js';

/** A fitted `Tree`: columns of its nodes, and what each node says. */
export interface NodeTable extends Omit<TreeColumns, 'value'> {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly feature: Int32Array;
  readonly threshold: Float64Array;
  /** Samples that came to each node in training. */
  readonly samples: Int32Array;
  /** [nodes, outputs, classes], row-major; one class for regression. */
  readonly value: Float64Array;
  readonly outputs: number;
  /** Width of `value` for one output: the largest number of classes. */
  readonly classes: number;
  readonly features: number;
}

const treeClass = 'sklearn.tree._tree.Tree';

/**
 * Reads `sklearn.tree._tree.Tree`: its arguments are (features, classes, outputs), its state has `nodes`, an array of
 * records, and `values`. Nodes know where missing values go since 1.3.
 * Reference: `Tree._set_node_array` of sklearn/tree/_tree.pyx
 */
export function readTree(estimator: Estimator, value: PythonValue | undefined = estimator.get('tree_')): NodeTable {
  const damaged: (what: string) => never = (what) => estimator.refuse(`${what} of its tree are not as expected`);
  if (!(value instanceof PythonObject) || value.global.id !== treeClass || !(value.state instanceof PythonDict)) {
    estimator.refuse(value === undefined ? 'it is not fitted (it has no tree_)' : 'tree_ should be a tree');
  }
  const [features, , outputs] = value.args.map(count);
  const nodes = value.state.get('nodes');
  const values = value.state.get('values');
  if (!(nodes instanceof NumpyArray) || nodes.content?.kind !== 'records') damaged('the nodes');
  if (!(values instanceof NumpyArray) || values.content?.kind !== 'tensor') damaged('the values');
  const { records } = nodes.content;
  const { tensor } = values.content;
  const rows = records.shape[0] ?? 0;
  const [valueRows, valueOutputs, classes] = tensor.shape;
  if (records.shape.length !== 1 || rows === 0 || features === undefined || outputs === undefined) damaged('the nodes');
  if (!(tensor.data instanceof Float64Array) || classes === undefined || tensor.shape.length !== 3)
    damaged('the values');
  if (valueRows !== rows || valueOutputs !== outputs) damaged('the values');
  const integers = (name: string) => toInt32(records.field(name)) ?? damaged(`the ${name}`);
  const threshold = records.field('threshold').data;
  if (!(threshold instanceof Float64Array)) damaged('the thresholds');
  const missing = records.fieldNames.includes('missing_go_to_left') ? records.field('missing_go_to_left') : undefined;
  return {
    left: integers('left_child'),
    right: integers('right_child'),
    feature: integers('feature'),
    samples: integers('n_node_samples'),
    threshold,
    mode: branch.leq,
    ...(missing === undefined ? {} : { missingLeft: missing.data as Uint8Array }),
    value: tensor.data,
    outputs,
    classes,
    features,
  };
}

function count(value: PythonValue): number | undefined {
  const plain = unwrap(value);
  return typeof plain === 'bigint' && plain > 0n && plain < 2n ** 31n ? Number(plain) : undefined;
}

/** Integers that int32 has; `undefined` when one is larger. */
function toInt32({ dtype, data }: Tensor): Int32Array | undefined {
  if (data instanceof Int32Array) return data;
  if (dtype !== 'int64') return undefined;
  const wide = data as BigInt64Array;
  const halves = new Int32Array(wide.buffer, wide.byteOffset, wide.length * 2);
  const result = new Int32Array(wide.length);
  for (let i = 0; i < result.length; i++) {
    const low = halves[2 * i]!;
    if (halves[2 * i + 1] !== low >> 31) return undefined;
    result[i] = low;
  }
  return result;
}

/** A tree of one leaf that says `value`. */
export function constantTree(value: number): TreeColumns {
  return { left: [-1], right: [-1], feature: [0], threshold: [0], mode: branch.leq, value: [value] };
}

/** The tree with `factor` times its values. */
export function scaledTree(tree: NodeTable, factor: number): TreeColumns {
  return { ...tree, value: tree.value.map((value) => factor * value) };
}
