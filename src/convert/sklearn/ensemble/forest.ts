import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { growthParameters } from '../tree/decision-tree.js';
import { type NodeTable, readTree } from '../tree/node-table.js';
import { sumLeaves } from '../tree/sum-leaves.js';
import { regression, targetMethods } from '../tree/target-methods.js';
import { takesMissing, treeInput } from '../tree/tree-input.js';
import { probabilitiesOf, readTargets } from '../tree/tree-values.js';

const parameters = [
  ...growthParameters,
  ...['n_estimators', 'bootstrap', 'oob_score', 'n_jobs', 'verbose', 'warm_start', 'max_samples'],
  ...['base_estimator', 'estimator', 'estimator_params'],
];

const forest = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.ensemble._forest.${name}`,
  parameters,
  input: (estimator) => tableOf(estimator, readTree(treesOf(estimator)[0]!).features),
  convert,
});

/** The trees, each of the release that wrote the forest. */
function treesOf(estimator: Estimator): Estimator[] {
  estimator.checkFitted('estimators_');
  const trees = estimator.list('estimators_').map((part) => estimator.partOf(part));
  if (trees.length === 0) estimator.refuse('it has no trees');
  return trees;
}

/** Forests take missing values since 1.4, where their first tree does. */
function inputOf(call: Call, [first]: readonly Estimator[], features: number): Value {
  return treeInput(call, features, call.estimator.since([1, 4]) && takesMissing(first!));
}

/** [batch, n] → predict_proba: the mean of what the trees give; predict its highest. */
function convertClassifier(call: Call): Methods {
  const { estimator } = call;
  const trees = treesOf(estimator);
  const targets = readTargets(estimator);
  const tables = readAll(estimator, trees);
  const { features } = tables[0]!;
  const width = targets.classes.reduce((sum, { shape }) => sum + shape[0]!, 0);
  let mean: Value | undefined;
  const probabilities = () => {
    if (mean !== undefined) return mean;
    const leaves = tables.map((table, i) => ({ ...table, value: probabilitiesOf(trees[i]!, table, targets) }));
    const sum = sumLeaves(call, inputOf(call, trees, features), features, width, leaves);
    mean = call.node('Div', [sum, call.scalar(trees.length)]);
    return mean;
  };
  return targetMethods(call, targets, probabilities);
}

/** [batch, n] → predict [batch] or [batch, targets]: the mean of what the trees give. */
function convertRegressor(call: Call): Methods {
  const trees = treesOf(call.estimator);
  const tables = readAll(call.estimator, trees);
  const { features, outputs } = tables[0]!;
  return {
    predict: () => {
      const sum = sumLeaves(call, inputOf(call, trees, features), features, outputs, tables);
      return regression(call, call.node('Div', [sum, call.scalar(trees.length)]), outputs);
    },
  };
}

function readAll(estimator: Estimator, trees: readonly Estimator[]): NodeTable[] {
  const tables = trees.map((tree) => readTree(tree));
  const [first] = tables;
  for (const { features, outputs, classes } of tables) {
    if (features !== first!.features || outputs !== first!.outputs || classes !== first!.classes) {
      estimator.refuse('its trees are of different shapes');
    }
  }
  return tables;
}

export const randomForestClassifier = forest('RandomForestClassifier', convertClassifier);
export const randomForestRegressor = forest('RandomForestRegressor', convertRegressor);
export const extraTreesClassifier = forest('ExtraTreesClassifier', convertClassifier);
export const extraTreesRegressor = forest('ExtraTreesRegressor', convertRegressor);
