import type { Value } from '../../graph-builder.js';
import { Forest } from '../../tree-ensemble.js';
import type { Call } from '../call.js';
import { argMax, classifier, isPositive, normalised, softmax } from '../classification.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { type Labels, placesAmong } from '../labels.js';
import { type Member, readMembers } from '../tree/merge-trees.js';
import { sumLeaves } from '../tree/sum-leaves.js';
import { column } from '../tree/target-methods.js';
import { treeInput } from '../tree/tree-input.js';
import { labelsOf, pairwiseSum, probabilitiesOf, readTargets } from '../tree/tree-values.js';
import { asFloat, single, sumOf } from './combine.js';
import { checkSayings, inputOfParts, partsOf } from './parts.js';

const parameters = [
  ...['base_estimator', 'estimator', 'n_estimators', 'learning_rate', 'algorithm', 'loss', 'random_state'],
  'estimator_params',
];

const boosting = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.ensemble._weight_boosting.${name}`,
  parameters,
  input: (estimator, describe) => inputOfParts(estimator, describe, partsOf(estimator)[0]),
  convert,
});

/** The smallest probability that SAMME.R takes the logarithm of. */
const epsilon = 2 ** -52;

/** Weights of the parts, as many as there are parts; the array may be longer when fitting ended early. */
function weightsOf(estimator: Estimator, count: number): { each: Float64Array; sum: number } {
  const all = estimator.vector('estimator_weights_');
  if (all.length < count) estimator.refuse(`estimator_weights_ has ${all.length} values for ${count} estimators`);
  return { each: all.subarray(0, count), sum: pairwiseSum(all, 0, all.length) };
}

/** How a release turns the class that a part predicts into terms of the decision: its weight, and that of others. */
const weightOfOthers = (estimator: Estimator, classes: number) => (estimator.since([1, 3]) ? -1 / (classes - 1) : 0);

/**
 * [batch, n] → decision_function: weighted votes (SAMME) or centred logarithms of probabilities (SAMME.R) of the
 * parts; predict_proba is a softmax of it.
 */
function convertClassifier(call: Call): Methods {
  const { estimator } = call;
  const classes = estimator.labels('classes_');
  const count = classes.shape[0]!;
  if (count < 2) estimator.refuse('it has one class');
  const parts = partsOf(estimator);
  const real = estimator.since([1, 8])
    ? false
    : estimator.choice('algorithm', ['SAMME', 'SAMME.R', 'deprecated']) === 'SAMME.R';
  const { each, sum } = weightsOf(estimator, parts.length);
  const members = readMembers(call, parts);
  const terms: Terms = members === undefined ? partTerms(call, classes, each) : treeTerms(call, classes, each, members);
  const once = memo(() => call.node('Div', [real ? terms.real() : terms.votes(), call.scalar(sum)]));
  const scores = () => {
    if (count > 2) return once();
    return call.node('Sub', [column(call, once(), 1), column(call, once(), 0)]);
  };
  const probabilities = (value: Value) => {
    if (!estimator.since([0, 22]))
      return oldProbabilities(call, real ? once() : call.node('Div', [terms.shares(), call.scalar(sum)]), count);
    if (count > 2) return softmax(call, call.node('Div', [value, call.scalar(count - 1)]));
    const half = call.node('Unsqueeze', [call.node('Div', [value, call.scalar(2)]), call.graph.int64s([1])]);
    return softmax(call, call.node('Concat', [call.node('Neg', [half]), half], { axis: 1 }));
  };
  const index = () => (count > 2 ? argMax(call, scores()) : isPositive(call, scores()));
  return classifier(call, { classes, scores, probabilities, index });
}

/** Releases before 0.22: powers of the decision (of the weighted probabilities, for SAMME), normalised. */
function oldProbabilities(call: Call, value: Value, count: number): Value {
  return normalised(call, call.node('Exp', [call.node('Mul', [call.scalar(1 / (count - 1)), value])]));
}

/** Sums over the parts, [batch, classes]. */
interface Terms {
  /** Of centred logarithms of probabilities. */
  real(): Value;
  /** Of weights, where the class is the one predicted. */
  votes(): Value;
  /** Of weighted probabilities. */
  shares(): Value;
}

function memo(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= make();
    return value;
  };
}

/** All trees in one: what they say is known before anybody asks. */
function treeTerms(call: Call, classes: Labels, weights: Float64Array, members: readonly Member[]): Terms {
  const { estimator } = call;
  const count = classes.shape[0]!;
  const { features } = members[0]!.nodes;
  checkSayings(estimator, members, count);
  const sum = (say: (member: Member, weight: number) => Float64Array) => {
    const trees = members.map((member, i) => ({ ...member.nodes, value: say(member, weights[i]!) }));
    return sumLeaves(call, treeInput(call, features, false), features, count, trees);
  };
  const targetsOf = (member: Member) => {
    const targets = readTargets(member.estimator);
    const places = targets.single ? placesAmong(targets.classes[0]!, classes) : undefined;
    return { targets, places: places ?? estimator.refuse('a tree has other classes than the whole') };
  };
  const probabilities = (member: Member) => {
    const { targets, places } = targetsOf(member);
    if (places.length !== count) estimator.refuse('a tree has not all of the classes');
    return probabilitiesOf(member.estimator, member.nodes, targets);
  };
  return {
    real: () => sum((member) => centred(probabilities(member), count)),
    shares: () => sum((member, weight) => probabilities(member).map((p) => p * weight)),
    votes: () =>
      sum((member, weight) => {
        const { targets, places } = targetsOf(member);
        const labels = labelsOf(member.estimator, member.nodes, targets);
        const others = weightOfOthers(estimator, count) * weight;
        const value = new Float64Array(labels.length * count).fill(others === 0 ? 0 : others);
        for (const [row, label] of labels.entries()) value[row * count + places[label]!] = weight;
        return value;
      }),
  };
}

/** `(n - 1) · (log p - mean of log p)`, row by row. */
function centred(probabilities: Float64Array, count: number): Float64Array {
  const logs = probabilities.map((p) => Math.log(Math.max(p, epsilon)));
  return logs.map((value, i) => {
    const mean = (1 / count) * pairwiseSum(logs, i - (i % count), count);
    return (count - 1) * (value - mean);
  });
}

/** Parts of any kind, one after the other. */
function partTerms(call: Call, classes: Labels, weights: Float64Array): Terms {
  const { estimator } = call;
  const count = classes.shape[0]!;
  const X = call.matrix();
  const parts = partsOf(estimator).map((part) => call.convert(part, X));
  const sum = (term: (part: Methods, weight: number) => Value) =>
    sumOf(
      call,
      parts.map((part, i) => term(part, weights[i]!)),
    );
  const placesOf = ({ classes: own }: Methods) =>
    placesAmong(own as Labels, classes) ?? estimator.refuse('a part of it has other classes than the whole');
  const probabilities = (part: Methods) => {
    const result = part.predict_proba?.() ?? estimator.refuse('a part of it gives no probabilities');
    if (placesOf(part).length !== count) estimator.refuse('a part of it has not all of the classes');
    return single(call, result).value;
  };
  const logCentred = (part: Methods) => {
    const logs = call.node('Log', [call.node('Max', [probabilities(part), call.scalar(epsilon)])]);
    const mean = call.node('Mul', [call.scalar(1 / count), call.reduce('ReduceSum', logs, 1, true)]);
    return call.node('Mul', [call.scalar(count - 1), call.node('Sub', [logs, mean])]);
  };
  const votes = (part: Methods, weight: number) => {
    const chosen = isPredicted(call, part, classes);
    return call.node('Where', [chosen, call.scalar(weight), call.scalar(weightOfOthers(estimator, count) * weight)]);
  };
  return {
    real: () => sum(logCentred),
    votes: () => sum(votes),
    shares: () => sum((part, weight) => call.node('Mul', [probabilities(part), call.scalar(weight)])),
  };
}

/** Whether the part predicts each class, bool [batch, classes]. */
function isPredicted(call: Call, part: Methods, classes: Labels): Value {
  const output = part.predict?.() ?? call.estimator.refuse('a part of it does not predict');
  if (output.dtype !== classes.dtype) call.estimator.refuse('a part of it predicts other classes than the whole');
  const asNumber = (value: Value) => (classes.dtype === 'bool' ? call.node('Cast', [value], { to: 7 }) : value);
  const predicted = call.node('Unsqueeze', [asNumber(output.value), call.graph.int64s([1])]);
  return call.node('Equal', [
    predicted,
    asNumber(call.graph.constant({ ...classes, shape: [1, classes.shape[0]!] }, 'classes')),
  ]);
}

/** [batch, n] → predict: the median of what the parts predict, by their weights. */
function convertRegressor(call: Call): Methods {
  const { estimator } = call;
  const parts = partsOf(estimator);
  const { each: weights } = weightsOf(estimator, parts.length);
  const predictions = () => {
    const members = readMembers(call, parts);
    if (members !== undefined) return treePredictions(call, members);
    const X = call.matrix();
    const axis = call.graph.int64s([1]);
    const columns = parts.map((part) => {
      const output = call.convert(part, X).predict?.() ?? estimator.refuse('a part of it does not predict');
      return call.node('Unsqueeze', [asFloat(call, output), axis]);
    });
    return call.node('Concat', columns, { axis: 1 });
  };
  return {
    predict: () => {
      const { graph } = call;
      const count = graph.int64s([parts.length]);
      const [sorted, order] = graph.multi(
        'TopK',
        [predictions(), count],
        { axis: 1, largest: 0, sorted: 1 },
        { outputs: 2 },
      );
      const axis = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(1n) });
      const sums = call.node('CumSum', [call.node('Gather', [call.floats(weights), order!]), axis]);
      const last = call.node('Gather', [sums, graph.int64s([-1])], { axis: 1 });
      const enough = call.node('GreaterOrEqual', [sums, call.node('Mul', [call.scalar(0.5), last])]);
      const median = call.node('ArgMax', [call.node('Cast', [enough], { to: 1 })], { axis: 1, keepdims: 1 });
      const value = call.node('GatherElements', [sorted!, median], { axis: 1 });
      return { value: call.node('Squeeze', [value, graph.int64s([1])]), dtype: 'float64', shape: [null] };
    },
  };
}

/** [batch, trees]. */
function treePredictions(call: Call, members: readonly Member[]): Value {
  const { features } = members[0]!.nodes;
  const forest = new Forest({ dtype: 'float64', features, targets: members.length, format: 'pickle' });
  for (const [i, { nodes }] of members.entries()) {
    if (nodes.classes !== 1 || nodes.outputs !== 1) call.estimator.refuse('its trees are not of one value a leaf');
    forest.addTree(nodes, i);
  }
  return forest.addTo(call.graph, treeInput(call, features, false));
}

export const adaBoostClassifier = boosting('AdaBoostClassifier', convertClassifier);
export const adaBoostRegressor = boosting('AdaBoostRegressor', convertRegressor);
