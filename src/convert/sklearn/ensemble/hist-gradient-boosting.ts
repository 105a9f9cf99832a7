import { NumpyArray, PythonDict, PythonObject, type PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import { branch, Forest, type TreeColumns } from '../../tree-ensemble.js';
import type { Call } from '../call.js';
import { argMax, binaryProbabilities, classifier, isPositive, softmax } from '../classification.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { type Estimator, listOf } from '../estimator.js';
import { regression } from '../regression.js';
import { constantTree } from '../tree/node-table.js';
import { column } from '../tree/target-methods.js';
import { histogramInput } from './histogram-input.js';

const parameters = [
  ...['loss', 'learning_rate', 'max_iter', 'max_leaf_nodes', 'max_depth', 'min_samples_leaf', 'l2_regularization'],
  ...['max_features', 'max_bins', 'categorical_features', 'monotonic_cst', 'interaction_cst', 'warm_start'],
  ...['early_stopping', 'scoring', 'validation_fraction', 'n_iter_no_change', 'tol', 'verbose', 'random_state'],
  ...['class_weight', 'quantile'],
];

const boosting = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.ensemble._hist_gradient_boosting.gradient_boosting.${name}`,
  parameters,
  input: (estimator) => tableOf(estimator, sizeOf(estimator)),
  convert,
});

/** Number of features; releases before 0.23 called it otherwise. */
function sizeOf(estimator: Estimator): number {
  estimator.checkFitted('_predictors');
  return estimator.has('n_features_in_') ? estimator.featureCount() : estimator.integer('n_features_');
}

/** [batch, n] → [batch, trees an iteration]: the baseline, and then each tree. */
function rawScores(call: Call): { value: () => Value; width: number } {
  const { estimator } = call;
  const features = sizeOf(estimator);
  const iterations = estimator.list('_predictors').map((item) => listOf(item) ?? []);
  const width = estimator.integer('n_trees_per_iteration_');
  const baseline = estimator.scalarOrNumbers('_baseline_prediction').data;
  if (baseline.length !== width) estimator.refuse(`_baseline_prediction has ${baseline.length} values for ${width}`);
  const value = () => {
    const forest = new Forest({ dtype: 'float64', features, targets: width, format: 'pickle' });
    for (const [k, constant] of baseline.entries()) forest.addTree(constantTree(constant), k);
    for (const trees of iterations) {
      if (trees.length !== width) estimator.refuse(`an iteration has ${trees.length} trees, and should have ${width}`);
      for (const [k, tree] of trees.entries()) forest.addTree(readPredictor(estimator, tree), k);
    }
    return forest.addTo(call.graph, histogramInput(call, features));
  };
  return { value, width };
}

const predictorClass = 'sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor';

/**
 * A `TreePredictor`: records of nodes, and bits of the categories that go left.
 * Reference: `_predict_one_from_raw_data` of sklearn/ensemble/_hist_gradient_boosting/_predictor.pyx
 */
function readPredictor(estimator: Estimator, value: PythonValue): TreeColumns {
  const damaged: (what: string) => never = (what) => estimator.refuse(`${what} of a tree are not as expected`);
  if (!(value instanceof PythonObject) || value.global.id !== predictorClass || !(value.state instanceof PythonDict)) {
    return damaged('the parts');
  }
  const nodes = value.state.get('nodes');
  if (!(nodes instanceof NumpyArray) || nodes.content?.kind !== 'records') return damaged('the nodes');
  const { records } = nodes.content;
  const names = records.fieldNames;
  const field = (name: string) => Float64Array.from(records.field(name).data as ArrayLike<number | bigint>, Number);
  const isLeaf = field('is_leaf');
  const columns = {
    left: field('left').map((child, row) => (isLeaf[row] === 1 ? -1 : child)),
    right: field('right'),
    feature: field('feature_idx'),
    // Renamed in 0.24.
    threshold: field(names.includes('num_threshold') ? 'num_threshold' : 'threshold'),
    value: field('value'),
    ...(names.includes('missing_go_to_left') ? { missingLeft: field('missing_go_to_left') } : {}),
  };
  const categorical = names.includes('is_categorical') ? field('is_categorical') : undefined;
  if (categorical?.includes(1) !== true) return { ...columns, mode: branch.leq };
  const sets = value.state.get('raw_left_cat_bitsets');
  const bits = sets instanceof NumpyArray && sets.content?.kind === 'tensor' ? sets.content.tensor : undefined;
  if (!(bits?.data instanceof Uint32Array) || bits.shape[1] !== 8) return damaged('the categories');
  const { data } = bits;
  const index = field('bitset_idx');
  return {
    ...columns,
    mode: categorical.map((yes) => (yes === 1 ? branch.member : branch.leq)),
    members: (row) => {
      const from = index[row]! * 8;
      if (from + 8 > data.length) return damaged('the categories');
      return Array.from({ length: 256 }, (_, i) => i).filter((i) => ((data[from + (i >> 5)]! >>> (i & 31)) & 1) === 1);
    },
  };
}

/** [batch, n] → decision_function, predict_proba (logistic or softmax), and the likeliest class. */
function convertClassifier(call: Call): Methods {
  const { estimator } = call;
  const raw = rawScores(call);
  const classes = estimator.labels('classes_');
  const count = classes.shape[0]!;
  estimator.choice('loss', ['log_loss', 'auto', 'binary_crossentropy', 'categorical_crossentropy']);
  const binary = raw.width === 1;
  if (raw.width !== count && !(binary && count <= 2)) estimator.refuse('it has not as many trees as classes');
  let value: Value | undefined;
  const scores = () => {
    value ??= raw.value();
    return binary ? column(call, value, 0) : value;
  };
  const probabilities = (value: Value) => (binary ? binaryProbabilities(call, value) : softmax(call, value));
  // Since 1.5 scores are compared, and probabilities before.
  const index = () => {
    if (!estimator.since([1, 5])) return argMax(call, probabilities(scores()));
    return binary ? isPositive(call, scores()) : argMax(call, scores());
  };
  return classifier(call, { classes, scores, probabilities, index });
}

/** Losses whose scores are logarithms of what is predicted, and those whose scores are it. */
const logarithmic = ['poisson', 'gamma'] as const;
const direct = ['squared_error', 'least_squares', 'absolute_error', 'least_absolute_deviation', 'quantile'] as const;

/** [batch, n] → predict [batch]. */
function convertRegressor(call: Call): Methods {
  const raw = rawScores(call);
  const loss = call.estimator.choice('loss', [...logarithmic, ...direct]);
  if (raw.width !== 1) call.estimator.refuse('it has more than one tree an iteration');
  return {
    predict: () => {
      const value = raw.value();
      return regression(call, loss === 'poisson' || loss === 'gamma' ? call.node('Exp', [value]) : value, 1);
    },
  };
}

export const histGradientBoostingClassifier = boosting('HistGradientBoostingClassifier', convertClassifier);
export const histGradientBoostingRegressor = boosting('HistGradientBoostingRegressor', convertRegressor);
