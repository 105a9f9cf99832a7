import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { isInlier, labelWhere } from '../classification.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Output } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { regression } from '../regression.js';
import { onColumns, readMembers } from '../tree/merge-trees.js';
import type { NodeTable } from '../tree/node-table.js';
import { sumLeaves } from '../tree/sum-leaves.js';
import { asFloat32, treeInput } from '../tree/tree-input.js';
import { columnsOfParts, featuresOf, partsOf } from './parts.js';

const sizeOf = (estimator: Estimator) => featuresOf(estimator) ?? estimator.featureCount();

/**
 * [batch, n] → score_samples `-2 ** (-mean depth / expected depth)`, decision_function that less an offset, and predict,
 * -1 where that is negative. A leaf's depth is that of its place, and the expected depth of a tree of its samples.
 */
export const isolationForest: EstimatorConverter = {
  className: 'sklearn.ensemble._iforest.IsolationForest',
  parameters: [
    ...['n_estimators', 'max_samples', 'contamination', 'max_features', 'bootstrap', 'bootstrap_features', 'n_jobs'],
    ...['random_state', 'verbose', 'warm_start', 'behaviour', 'base_estimator', 'estimator', 'estimator_params'],
    'oob_score',
  ],
  input: (estimator) => tableOf(estimator, sizeOf(estimator)),
  convert(call) {
    const { estimator } = call;
    let known: Value | undefined;
    const abnormality = () => {
      known ??= abnormalityOf(call);
      return known;
    };
    const output = (value: Value): Output => ({ value, dtype: 'float64', shape: [null] });
    if (!estimator.since([0, 20])) {
      const scores = () => call.node('Sub', [call.scalar(0.5), abnormality()]);
      const threshold = estimator.number('threshold_');
      return {
        decision_function: () => output(scores()),
        predict: () => labelWhere(call, call.node('Greater', [scores(), call.scalar(threshold)])),
      };
    }
    const samples = () => call.node('Neg', [abnormality()]);
    const decision = () => call.node('Sub', [samples(), call.scalar(estimator.number('offset_'))]);
    // Until 0.21 the behaviour called "old" compared with a threshold, not with 0.
    const isOld = !estimator.since([0, 22]) && estimator.get('behaviour') === 'old';
    const threshold = isOld ? estimator.number('_threshold_') : 0;
    const predict = () =>
      threshold === 0
        ? isInlier(call, decision())
        : labelWhere(call, call.node('GreaterOrEqual', [decision(), call.scalar(threshold)]));
    return {
      predict,
      decision_function: () => output(decision()),
      score_samples: () => output(samples()),
    };
  },
};

/** `2 ** (-mean depth / expected depth)`, [batch]. */
function abnormalityOf(call: Call): Value {
  const { estimator } = call;
  const size = sizeOf(estimator);
  const parts = partsOf(estimator);
  const members = readMembers(call, parts) ?? estimator.refuse('its estimators are no trees');
  // Trees that saw all columns are asked in the order of the input, whatever order was drawn for them.
  const columns =
    estimator.integer('_max_features') === size ? undefined : columnsOfParts(estimator, parts.length, size);
  const trees = members.map(({ nodes }, i) => ({
    ...(columns === undefined ? nodes : onColumns(estimator, nodes, columns[i]!)),
    value: depths(estimator, nodes),
  }));
  const expected = expectedDepth(
    estimator,
    estimator.integer(estimator.has('max_samples_') ? 'max_samples_' : '_max_samples'),
  );
  if (expected === 0) estimator.refuse('its trees saw one sample each, which tells nothing apart');
  // Since 1.6 nothing is refused, neither NaN nor infinities.
  const X = estimator.since([1, 6])
    ? asFloat32(call, call.matrix(size, { missing: true, infinite: true }).value)
    : treeInput(call, size, false);
  const depth = regression(call, sumLeaves(call, X, size, 1, trees), 1).value;
  // Until 0.20 the mean was taken first, which rounds otherwise.
  const count = call.scalar(estimator.since([0, 21]) ? trees.length * expected : trees.length);
  const mean = call.node('Div', [call.node('Neg', [depth]), count]);
  const exponent = estimator.since([0, 21]) ? mean : call.node('Div', [mean, call.scalar(expected)]);
  return call.node('Pow', [call.scalar(2), exponent]);
}

/** Of every node its depth and what a tree of its samples would add, less one and plus one as scikit-learn adds them. */
function depths(estimator: Estimator, { left, right, samples }: NodeTable): Float64Array {
  const result = new Float64Array(left.length);
  const places = new Int32Array(left.length);
  for (let row = 0; row < left.length; row++) {
    if (left[row]! >= 0) {
      for (const child of [left[row]!, right[row]!]) {
        if (child <= row) estimator.refuse('a node of a tree comes after those below it');
        places[child] = places[row]! + 1;
      }
    }
    const rest = expectedDepth(estimator, samples[row]!);
    result[row] = estimator.since([0, 21]) ? places[row]! + 1 + rest - 1 : places[row]! + rest;
  }
  return result;
}

/** Mean depth of a sample in a random tree of `count`; until 0.20 without a special case for 1 and 2. */
function expectedDepth(estimator: Estimator, count: number): number {
  const special = estimator.since([0, 21]);
  if (count <= 1) return special ? 0 : 1;
  if (count === 2 && special) return 1;
  if (!estimator.since([0, 19])) return 2 * (Math.log(count) + 0.5772156649) - (2 * (count - 1)) / count;
  return 2 * (Math.log(count - 1) + eulerGamma) - (2 * (count - 1)) / count;
}

const eulerGamma = 0.5772156649015329;
