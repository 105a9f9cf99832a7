/** `coef_` and `feature_importances_` of an estimator; those of trees are computed, as files do not have them. */
import { NumpyArray, PythonDict, PythonObject, PythonTuple, type PythonValue } from '../../../formats/pickle/index.js';
import { type Estimator, toNumber, toNumbers } from '../estimator.js';
import { pairwiseSum } from './support.js';

/** How important each feature is, as SelectFromModel looks at it: absolute, rows of `coef_` by their norm. */
export function readImportances(selector: Estimator, inner: Estimator): Float64Array {
  const getter = selector.get('importance_getter') ?? 'auto';
  if (typeof getter !== 'string') return selector.refuse('its importance_getter is a function');
  const path = getter.split('.');
  const attribute = path.pop()!;
  if (attribute !== 'auto' && attribute !== 'coef_' && attribute !== 'feature_importances_') {
    return selector.refuse('its importance_getter leads neither to coef_ nor to feature_importances_');
  }
  const owner = follow(inner, path);
  const hasCoefficients = owner.has('coef_') && attribute !== 'feature_importances_';
  if (!hasCoefficients) return featureImportances(owner);
  const { data, shape } = owner.numbers('coef_');
  if (shape.length === 1) return data.map(Math.abs);
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2) return selector.refuse('coef_ should be a matrix');
  const norm = normOf(selector);
  return Float64Array.from({ length: columns }, (_, j) =>
    norm(Float64Array.from({ length: rows }, (_row, i) => Math.abs(data[i * columns + j]!))),
  );
}

/** Where the names of an `importance_getter` lead: `named_steps.model`, `best_estimator_`. */
function follow(estimator: Estimator, path: readonly string[]): Estimator {
  let at = estimator;
  for (let i = 0; i < path.length; i++) {
    const name = path[i]!;
    if (name !== 'named_steps') {
      at = at.partOf(at.part(name));
      continue;
    }
    const step = at.list('steps').find((item) => item instanceof PythonTuple && item.items[0] === path[i + 1]);
    at = at.partOf(step instanceof PythonTuple ? step.items[1] : undefined);
    i++;
  }
  return at;
}

function normOf(selector: Estimator): (values: Float64Array) => number {
  const order = toNumber(selector.get('norm_order') ?? null) ?? 1;
  const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
  if (order === Number.POSITIVE_INFINITY) return (values) => Math.max(...values);
  if (order === Number.NEGATIVE_INFINITY) return (values) => Math.min(...values);
  if (order === 1) return sum;
  if (order === 2) return (values) => Math.sqrt(sum(values.map((value) => value * value)));
  return selector.refuse(`norm_order is ${order}; known are 1, 2 and inf`);
}

function featureImportances(estimator: Estimator): Float64Array {
  if (estimator.has('tree_')) return normalised(treeImportances(estimator));
  if (estimator.name.startsWith('GradientBoosting')) return boostedImportances(estimator);
  if (/^(RandomForest|ExtraTrees)/.test(estimator.name)) {
    return averaged(estimator, treesOf(estimator).map(treeImportances).map(normalised));
  }
  return estimator.refuse('it has no coef_, and how important its features are is not known here');
}

/** Trees of a forest or of all stages, those of a single leaf left out. */
function treesOf(estimator: Estimator): Estimator[] {
  const trees = estimator.list('estimators_').map((tree) => estimator.partOf(tree));
  return trees.filter((tree) => nodesOf(tree).left.length > 1);
}

/** Until 0.22 each stage was averaged alone. */
function boostedImportances(estimator: Estimator): Float64Array {
  if (!estimator.since([0, 21])) return estimator.refuse('its importances were computed in another way until 0.20');
  return averaged(estimator, treesOf(estimator).map(treeImportances));
}

function averaged(estimator: Estimator, rows: readonly Float64Array[]): Float64Array {
  const [first] = rows;
  if (first === undefined) return estimator.refuse('none of its trees splits, so no feature is important');
  const total = new Float64Array(first.length);
  for (const row of rows) for (let i = 0; i < total.length; i++) total[i]! += row[i]!;
  const mean = total.map((value) => value / rows.length);
  const sum = pairwiseSum(mean);
  return mean.map((value) => value / sum);
}

function normalised(importances: Float64Array): Float64Array {
  const sum = pairwiseSum(importances);
  return sum > 0 ? importances.map((value) => value / sum) : importances;
}

/** How much of the impurity each feature took away: `compute_feature_importances(normalize=False)` of `_tree.pyx`. */
function treeImportances(tree: Estimator): Float64Array {
  const { features, left, right, feature, weight, impurity } = nodesOf(tree);
  const importances = new Float64Array(features);
  for (let node = 0; node < left.length; node++) {
    const [l, r] = [left[node]!, right[node]!];
    if (l === -1) continue;
    if (!(l >= 0 && l < left.length && r >= 0 && r < left.length && feature[node]! < features)) {
      tree.refuse('its tree is damaged');
    }
    importances[feature[node]!]! +=
      weight[node]! * impurity[node]! - weight[l]! * impurity[l]! - weight[r]! * impurity[r]!;
  }
  return importances.map((value) => value / weight[0]!);
}

interface Nodes {
  readonly features: number;
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly feature: Float64Array;
  readonly weight: Float64Array;
  readonly impurity: Float64Array;
}

function nodesOf(estimator: Estimator): Nodes {
  const tree = estimator.part('tree_');
  const state: PythonValue | undefined = tree.state;
  const nodes = state instanceof PythonDict ? state.get('nodes') : undefined;
  const features = toNumber(tree.args[0] ?? null);
  if (!(tree instanceof PythonObject) || !(nodes instanceof NumpyArray) || nodes.content?.kind !== 'records') {
    return estimator.refuse('its tree is damaged');
  }
  const { records } = nodes.content;
  if (features === undefined || !(features > 0 && features < 2 ** 26)) return estimator.refuse('its tree is damaged');
  const column = (name: string) =>
    toNumbers(new NumpyArray({ kind: 'tensor', tensor: records.field(name) }))?.data ??
    estimator.refuse('its tree is damaged');
  return {
    features,
    left: column('left_child'),
    right: column('right_child'),
    feature: column('feature'),
    weight: column('weighted_n_node_samples'),
    impurity: column('impurity'),
  };
}
