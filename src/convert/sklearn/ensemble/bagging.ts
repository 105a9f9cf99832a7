import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { classifier } from '../classification.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter, Methods, Output } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { selectColumns, widthOf } from '../features.js';
import { type Labels, toIndices } from '../labels.js';
import { regression } from '../regression.js';
import { onColumns, readMembers } from '../tree/merge-trees.js';
import type { NodeTable } from '../tree/node-table.js';
import { sumLeaves } from '../tree/sum-leaves.js';
import { takesMissing, treeInput } from '../tree/tree-input.js';
import { probabilitiesOf, readTargets } from '../tree/tree-values.js';
import { atLabels, meanOf, oneHot, single, sumOf } from './combine.js';
import { checkSayings, columnsOfParts, featuresOf, partsOf } from './parts.js';

const bagging = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.ensemble._bagging.${name}`,
  parameters: [
    ...['base_estimator', 'estimator', 'n_estimators', 'max_samples', 'max_features', 'bootstrap', 'verbose'],
    ...['bootstrap_features', 'oob_score', 'warm_start', 'n_jobs', 'random_state', 'estimator_params'],
  ],
  input: (estimator) => tableOf(estimator, featuresOf(estimator) ?? estimator.featureCount()),
  convert,
});

/** The parts, each on its columns. */
function convertParts(call: Call): Methods[] {
  const { estimator, graph, input } = call;
  const parts = partsOf(estimator);
  const columns = columnsOfParts(estimator, parts.length, widthOf(input));
  return parts.map((part, i) => call.convert(part, selectColumns(graph, input, columns[i]!)));
}

/** [batch, n] → the sum of what trees say, [batch, width], `undefined` where the parts are no trees. */
function sumTrees(
  call: Call,
  width: number,
  say: (tree: Estimator, nodes: NodeTable) => Float64Array,
): Value | undefined {
  const { estimator, input } = call;
  const parts = partsOf(estimator);
  const members = readMembers(call, parts);
  if (members === undefined || members[0]!.nodes.outputs !== 1) return undefined;
  checkSayings(estimator, members, width);
  const size = widthOf(input);
  const columns = columnsOfParts(estimator, parts.length, size);
  const trees = members.map((member, i) => ({
    ...onColumns(estimator, member.nodes, columns[i]!),
    value: say(member.estimator, member.nodes),
  }));
  return sumLeaves(call, treeInput(call, size, takesMissing(members[0]!.estimator)), size, width, trees);
}

/**
 * [batch, n] → predict_proba: the mean of the parts', or the share of their votes where they give none; predict its
 * highest. The parts were fitted on the numbers of the classes.
 */
function convertClassifier(call: Call): Methods {
  const { estimator } = call;
  const classes = estimator.labels('classes_');
  const width = classes.shape[0]!;
  const count = partsOf(estimator).length;
  const trees = sumTrees(call, width, (tree, nodes) => {
    const targets = readTargets(tree);
    const own = probabilitiesOf(tree, nodes, targets);
    return scattered(estimator, own, targets.classes[0]!, width);
  });
  if (trees !== undefined) {
    return classifier(call, { classes, probabilities: () => call.node('Div', [trees, call.scalar(count)]) });
  }
  const parts = convertParts(call);
  const probabilities = () => {
    const terms = parts.map(({ predict, predict_proba, classes: own }) => {
      if (predict_proba === undefined) return oneHot(call, predict!().value, width);
      return atLabels(call, single(call, predict_proba()).value, own as Labels | undefined, width, 0);
    });
    return call.node('Div', [sumOf(call, terms), call.scalar(count)]);
  };
  const logarithms = () => {
    if (parts[0]!.predict_log_proba === undefined) return undefined;
    const terms = parts.map(({ predict_log_proba, classes: own }) =>
      atLabels(
        call,
        single(call, predict_log_proba!()).value,
        own as Labels | undefined,
        width,
        Number.NEGATIVE_INFINITY,
      ),
    );
    return call.node('Sub', [logSumExp(call, terms), call.scalar(Math.log(count))]);
  };
  const methods = classifier(call, { classes, probabilities });
  const decisions = parts.map(({ decision_function }) => decision_function);
  return {
    ...methods,
    ...(parts[0]!.predict_log_proba === undefined
      ? {}
      : { predict_log_proba: () => ({ ...(methods.predict_proba!() as Output), value: logarithms()! }) }),
    ...(decisions.includes(undefined)
      ? {}
      : {
          decision_function: () =>
            meanOf(
              call,
              decisions.map((decision) => decision!()),
            ),
        }),
  };
}

/** `log Σ exp` of terms of one shape; -infinity where all are. */
function logSumExp(call: Call, terms: readonly Value[]): Value {
  const highest = terms.length === 1 ? terms[0]! : call.node('Max', terms);
  // Where nothing is above -infinity, nothing may be subtracted.
  const base = call.node('Max', [highest, call.scalar(-Number.MAX_VALUE)]);
  const exponents = terms.map((term) => call.node('Exp', [call.node('Sub', [term, base])]));
  return call.node('Add', [call.node('Log', [sumOf(call, exponents)]), base]);
}

/** [rows, own classes] → [rows, width]: each column where its class is. */
function scattered(estimator: Estimator, values: Float64Array, own: Labels, width: number): Float64Array {
  const places = toIndices(own, width) ?? estimator.refuse('a tree has other classes than the whole');
  if (places.every((place, i) => place === i) && places.length === width) return values;
  const rows = values.length / places.length;
  const result = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (const [i, place] of places.entries()) result[row * width + place] = values[row * places.length + i]!;
  }
  return result;
}

/** [batch, n] → predict: the mean of the parts'. */
function convertRegressor(call: Call): Methods {
  const count = partsOf(call.estimator).length;
  const trees = sumTrees(call, 1, (tree, nodes) =>
    nodes.classes === 1 ? nodes.value : tree.refuse('its tree has classes, and it is a regressor'),
  );
  if (trees !== undefined) {
    return { predict: () => regression(call, call.node('Div', [trees, call.scalar(count)]), 1) };
  }
  const parts = convertParts(call);
  return {
    predict: () =>
      meanOf(
        call,
        parts.map(({ predict }) => predict!()),
      ),
  };
}

export const baggingClassifier = bagging('BaggingClassifier', convertClassifier);
export const baggingRegressor = bagging('BaggingRegressor', convertRegressor);
