import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { regression } from '../regression.js';
import { growthParameters } from '../tree/decision-tree.js';
import { type Member, readMembers } from '../tree/merge-trees.js';
import { readTree } from '../tree/node-table.js';
import { sumLeaves } from '../tree/sum-leaves.js';
import { targetMethods } from '../tree/target-methods.js';
import { takesMissing, treeInput } from '../tree/tree-input.js';
import { probabilitiesOf, readTargets } from '../tree/tree-values.js';
import { partsOf } from './parts.js';

/** What forests of every kind have. */
export const forestParameters = [
  ...growthParameters,
  ...['n_estimators', 'bootstrap', 'oob_score', 'n_jobs', 'verbose', 'warm_start', 'max_samples'],
  ...['base_estimator', 'estimator', 'estimator_params'],
];

const forest = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.ensemble._forest.${name}`,
  parameters: forestParameters,
  input: (estimator) => tableOf(estimator, readTree(estimator.partOf(partsOf(estimator)[0])).features),
  convert,
});

/** The trees of the forest. */
function treesOf(call: Call): Member[] {
  return readMembers(call, partsOf(call.estimator)) ?? call.estimator.refuse('its estimators are no trees');
}

/** Forests take missing values since 1.4, where their first tree does. */
function inputOf(call: Call, [first]: readonly Member[]): Value {
  const missing = call.estimator.since([1, 4]) && takesMissing(first!.estimator);
  return treeInput(call, first!.nodes.features, missing);
}

/** [batch, n] → predict_proba: the mean of what the trees give; predict its highest. */
function convertClassifier(call: Call): Methods {
  const trees = treesOf(call);
  const targets = readTargets(call.estimator);
  const { features } = trees[0]!.nodes;
  const width = targets.classes.reduce((sum, { shape }) => sum + shape[0]!, 0);
  let mean: Value | undefined;
  const probabilities = () => {
    if (mean !== undefined) return mean;
    const leaves = trees.map(({ estimator, nodes }) => ({
      ...nodes,
      value: probabilitiesOf(estimator, nodes, targets),
    }));
    const sum = sumLeaves(call, inputOf(call, trees), features, width, leaves);
    mean = call.node('Div', [sum, call.scalar(trees.length)]);
    return mean;
  };
  return targetMethods(call, targets, probabilities);
}

/** [batch, n] → predict [batch] or [batch, targets]: the mean of what the trees give. */
function convertRegressor(call: Call): Methods {
  const trees = treesOf(call);
  const { features, outputs } = trees[0]!.nodes;
  if (trees.some(({ nodes }) => nodes.classes !== 1)) call.estimator.refuse('its trees have classes');
  return {
    predict: () => {
      const tables = trees.map(({ nodes }) => nodes);
      const sum = sumLeaves(call, inputOf(call, trees), features, outputs, tables);
      return regression(call, call.node('Div', [sum, call.scalar(trees.length)]), outputs);
    },
  };
}

export const randomForestClassifier = forest('RandomForestClassifier', convertClassifier);
export const randomForestRegressor = forest('RandomForestRegressor', convertRegressor);
export const extraTreesClassifier = forest('ExtraTreesClassifier', convertClassifier);
export const extraTreesRegressor = forest('ExtraTreesRegressor', convertRegressor);
