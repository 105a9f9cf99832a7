import { NumpyArray } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import { Forest } from '../../tree-ensemble.js';
import type { Call } from '../call.js';
import { argMax, binaryProbabilities, classifier, softmax } from '../classification.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { regression } from '../regression.js';
import { growthParameters } from '../tree/decision-tree.js';
import { constantTree, type NodeTable, readTree, scaledTree } from '../tree/node-table.js';
import { column } from '../tree/target-methods.js';
import { treeInput } from '../tree/tree-input.js';
import { initialConstants, initialScores } from './gradient-boosting-init.js';

const parameters = [
  ...growthParameters,
  ...['loss', 'learning_rate', 'n_estimators', 'subsample', 'init', 'alpha', 'verbose', 'warm_start'],
  ...['validation_fraction', 'n_iter_no_change', 'tol', 'n_features'],
];

const boosting = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.ensemble._gb.${name}`,
  parameters,
  input: (estimator) => tableOf(estimator, readStages(estimator).features),
  convert,
});

interface Stages {
  /** Stage after stage, a tree for each score. */
  readonly trees: readonly NodeTable[];
  /** Scores a row: 1 for regression and two classes, else one a class. */
  readonly width: number;
  readonly features: number;
}

function readStages(estimator: Estimator): Stages {
  estimator.checkFitted('estimators_');
  const array = estimator.get('estimators_');
  const width = array instanceof NumpyArray && array.shape.length === 2 ? array.shape[1]! : 0;
  const trees = estimator.list('estimators_').map((part) => readTree(estimator.partOf(part)));
  const [first] = trees;
  if (first === undefined || width === 0) return estimator.refuse('it has no stages');
  for (const { features, outputs, classes } of trees) {
    if (features !== first.features || outputs !== 1 || classes !== 1) {
      estimator.refuse('its trees are not of one value a leaf');
    }
  }
  return { trees, width, features: first.features };
}

/** [batch, n] → [batch, width]: what the initial estimator says, and then the learning rate times each tree. */
function rawScores(call: Call, { trees, width, features }: Stages): Value {
  const { estimator, graph } = call;
  const rate = estimator.number('learning_rate');
  const X = treeInput(call, features, false);
  const forest = new Forest({ dtype: 'float64', features, targets: width, format: 'pickle' });
  // An initial constant is a tree of one leaf, so that the sum begins with it as scikit-learn's does.
  const constants = initialConstants(estimator, width);
  for (const [k, value] of (constants ?? []).entries()) forest.addTree(constantTree(value), k);
  for (const [i, tree] of trees.entries()) forest.addTree(scaledTree(tree, rate), i % width);
  const sum = forest.addTo(graph, X);
  return constants === undefined ? call.node('Add', [initialScores(call, X, features, width), sum]) : sum;
}

/** [batch, n] → decision_function, predict_proba by the loss, and the class that it makes the likeliest. */
function convertClassifier(call: Call): Methods {
  const { estimator } = call;
  const stages = readStages(estimator);
  const classes = estimator.labels('classes_');
  const count = classes.shape[0]!;
  const loss = estimator.choice('loss', ['deviance', 'log_loss', 'exponential']);
  if (stages.width !== (count === 2 ? 1 : count)) estimator.refuse('it has not as many trees a stage as classes');
  let raw: Value | undefined;
  const scores = () => {
    raw ??= rawScores(call, stages);
    return count === 2 ? column(call, raw, 0) : raw;
  };
  const probabilities = (value: Value) => {
    if (count > 2) return softmax(call, value);
    return binaryProbabilities(call, loss === 'exponential' ? call.node('Mul', [call.scalar(2), value]) : value);
  };
  // The second class is taken from a score of 0 on; until 1.3 the other losses compared probabilities.
  const index = () => {
    const byScore = loss === 'exponential' || estimator.since([1, 4]);
    if (!byScore) return argMax(call, probabilities(scores()));
    if (count > 2) return argMax(call, scores());
    return call.node('Cast', [call.node('GreaterOrEqual', [scores(), call.scalar(0)])], { to: 7 });
  };
  return classifier(call, { classes, scores, probabilities, index });
}

/** [batch, n] → predict [batch]: the initial value and the learning rate times each tree. */
function convertRegressor(call: Call): Methods {
  const stages = readStages(call.estimator);
  if (stages.width !== 1) call.estimator.refuse('it has more than one tree a stage');
  return { predict: () => regression(call, rawScores(call, stages), 1) };
}

export const gradientBoostingClassifier = boosting('GradientBoostingClassifier', convertClassifier);
export const gradientBoostingRegressor = boosting('GradientBoostingRegressor', convertRegressor);
