import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { regression } from '../regression.js';
import { readTree } from './node-table.js';
import { sumLeaves } from './sum-leaves.js';
import { split, targetMethods } from './target-methods.js';
import { takesMissing, treeInput } from './tree-input.js';
import { labelsOf, probabilitiesOf, readTargets } from './tree-values.js';

/** What trees and forests share; none of it matters after `fit` but `splitter` and `criterion`, for missing values. */
export const growthParameters = [
  ...['criterion', 'splitter', 'max_depth', 'min_samples_split', 'min_samples_leaf', 'min_weight_fraction_leaf'],
  ...['max_features', 'random_state', 'max_leaf_nodes', 'min_impurity_decrease', 'min_impurity_split', 'class_weight'],
  ...['presort', 'ccp_alpha', 'monotonic_cst'],
];

const input = (estimator: Estimator) => {
  estimator.checkFitted('tree_');
  return tableOf(estimator, readTree(estimator).features);
};

const tree = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.tree._classes.${name}`,
  parameters: growthParameters,
  input,
  convert,
});

/** [batch, n] → predict_proba, one value of each class in the leaf, and the class with the highest. */
function convertClassifier(call: Call): Methods {
  const { estimator } = call;
  const nodes = readTree(estimator);
  const targets = readTargets(estimator);
  const probabilities = probabilitiesOf(estimator, nodes, targets);
  const labels = labelsOf(estimator, nodes, targets);
  const rows = nodes.left.length;
  const [width, count] = [probabilities.length / rows, labels.length / rows];
  const value = new Float64Array(rows * (width + count));
  for (let row = 0; row < rows; row++) {
    value.set(probabilities.subarray(row * width, (row + 1) * width), row * (width + count));
    value.set(labels.subarray(row * count, (row + 1) * count), row * (width + count) + width);
  }
  let parts: Value[] | undefined;
  const leaf = () => {
    parts ??= split(
      call,
      sumLeaves(call, inputOf(call, nodes.features), nodes.features, width + count, [{ ...nodes, value }]),
      [width, count],
    );
    return parts;
  };
  return targetMethods(
    call,
    targets,
    () => leaf()[0]!,
    () => call.node('Cast', [leaf()[1]!], { to: 7 }),
  );
}

/** [batch, n] → predict [batch] or [batch, targets]: the mean in the leaf. */
function convertRegressor(call: Call): Methods {
  const nodes = readTree(call.estimator);
  if (nodes.classes !== 1) call.estimator.refuse('its tree has classes, and it is a regressor');
  const X = () => inputOf(call, nodes.features);
  return {
    predict: () => regression(call, sumLeaves(call, X(), nodes.features, nodes.outputs, [nodes]), nodes.outputs),
  };
}

const inputOf = (call: Call, features: number) => treeInput(call, features, takesMissing(call.estimator));

export const decisionTreeClassifier = tree('DecisionTreeClassifier', convertClassifier);
export const extraTreeClassifier = tree('ExtraTreeClassifier', convertClassifier);
export const decisionTreeRegressor = tree('DecisionTreeRegressor', convertRegressor);
export const extraTreeRegressor = tree('ExtraTreeRegressor', convertRegressor);
