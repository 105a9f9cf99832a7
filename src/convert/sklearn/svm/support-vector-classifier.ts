import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, classifier, perClass } from '../classification.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { coupledProbabilities } from './pairwise-coupling.js';
import { decide, readSupportVectors, type SupportVectors, svmInput, svmParameters } from './support-vectors.js';

/**
 * [batch, n] → decision_function: [batch] for two classes, one a pair of classes for `ovo`, one a class for `ovr`;
 * predict: the class with most pairs won; predict_proba: libsvm's coupling of the pairs' probabilities.
 */
function supportVectorClassifier(className: string): EstimatorConverter {
  return {
    className,
    parameters: [...svmParameters, 'decision_function_shape', 'break_ties'],
    input: svmInput,
    convert,
  };
}

export const svc = supportVectorClassifier('sklearn.svm._classes.SVC');
export const nuSVC = supportVectorClassifier('sklearn.svm._classes.NuSVC');

/** Votes are counted by matrices of pairs by classes, which grow with the cube of the classes. */
const mostClasses = 256;

function convert(call: Call): Methods {
  const { estimator } = call;
  const classes = estimator.labels('classes_');
  const count = classes.shape[0]!;
  if (count < 2 || count > mostClasses) estimator.refuse(`it has ${count} classes; 2 to ${mostClasses} are converted`);
  const machine = readSupportVectors(estimator);
  const pairs = pairsOf(count);
  let pairwise: Value | undefined;
  /** libsvm's decision values, [batch, pairs]: positive for the first class of a pair. */
  const decisions = () => {
    pairwise ??= decide(call, machine, pairWeights(call, machine, pairs, count), pairs.length);
    return pairwise;
  };
  // None is what 0.18 had for ovo.
  const perRow =
    estimator.get('decision_function_shape') !== null &&
    estimator.choice('decision_function_shape', ['ovr', 'ovo']) === 'ovr';
  const breakTies = estimator.boolean('break_ties', false);
  if (breakTies && !perRow) estimator.refuse('break_ties with decision_function_shape="ovo" makes predict raise');
  const index = () =>
    breakTies && count > 2
      ? argMax(call, confidences(call, decisions(), pairs, count))
      : mostVotes(call, decisions(), pairs, count);
  const decision_function = () => {
    if (count === 2)
      return perClass(call.node('Squeeze', [call.node('Neg', [decisions()]), call.graph.int64s([1])]), undefined);
    if (perRow) return perClass(confidences(call, decisions(), pairs, count), classes);
    return { value: decisions(), dtype: 'float64', shape: [null, pairs.length] } as const;
  };
  const probable = estimator.get('probability') === true;
  const { predict, predict_proba, predict_log_proba } = classifier(call, {
    classes,
    index,
    ...(probable ? { probabilities: () => coupledProbabilities(call, decisions(), count) } : {}),
  });
  return {
    classes,
    ...(predict === undefined ? {} : { predict }),
    ...(predict_proba === undefined ? {} : { predict_proba }),
    ...(predict_log_proba === undefined ? {} : { predict_log_proba }),
    decision_function,
  };
}

/** Weights of support vectors by pairs: 512 MB. */
const mostWeights = 2 ** 26;

type Pair = readonly [first: number, second: number];

const pairsOf = (count: number): Pair[] =>
  Array.from({ length: count }, (_, i) => Array.from({ length: count - i - 1 }, (_, j): Pair => [i, i + 1 + j])).flat();

/** libsvm keeps the coefficients of class i against class j in row j - 1 (j > i) or j of `_dual_coef_`: [vectors, pairs]. */
function pairWeights(call: Call, machine: SupportVectors, pairs: readonly Pair[], count: number): Float64Array {
  const { estimator } = call;
  const { data, rows, columns } = machine.coefficients;
  // Renamed in 0.22.
  const sizes = estimator.vector(estimator.has('_n_support') ? '_n_support' : 'n_support_', count);
  if (rows !== count - 1) estimator.refuse(`_dual_coef_ has ${rows} rows for ${count} classes`);
  if (machine.intercepts.length !== pairs.length) {
    estimator.refuse(`_intercept_ has ${machine.intercepts.length} values for ${pairs.length} pairs of classes`);
  }
  const starts = Array.from(sizes, (_, i) => sizes.subarray(0, i).reduce((sum, size) => sum + size, 0));
  if (starts.at(-1)! + sizes.at(-1)! !== columns) estimator.refuse('_n_support does not add up to its support vectors');
  if (columns * pairs.length > mostWeights) {
    estimator.refuse(`it has ${columns} support vectors for ${pairs.length} pairs of classes, which is too many`);
  }
  const weights = new Float64Array(columns * pairs.length);
  for (const [p, [i, j]] of pairs.entries()) {
    for (let k = 0; k < sizes[i]!; k++) {
      weights[(starts[i]! + k) * pairs.length + p] = data[(j - 1) * columns + starts[i]! + k]!;
    }
    for (let k = 0; k < sizes[j]!; k++) {
      weights[(starts[j]! + k) * pairs.length + p] = data[i * columns + starts[j]! + k]!;
    }
  }
  return weights;
}

/** [pairs, classes]: `first` for the first class of a pair, `second` for the second. */
function incidence(call: Call, pairs: readonly Pair[], count: number, first: number, second: number): Value {
  const data = new Float64Array(pairs.length * count);
  for (const [p, [i, j]] of pairs.entries()) {
    data[p * count + i] = first;
    data[p * count + j] = second;
  }
  return call.floats(data, [pairs.length, count], 'pairs');
}

/** Pairs that each class won, [batch, classes]: the first class wins where `won`, bool [batch, pairs]. */
function votes(call: Call, won: Value, pairs: readonly Pair[], count: number): Value {
  const first = call.node('Cast', [won], { to: 11 });
  const second = call.node('Cast', [call.node('Not', [won])], { to: 11 });
  return call.node('Add', [
    call.node('MatMul', [first, incidence(call, pairs, count, 1, 0)]),
    call.node('MatMul', [second, incidence(call, pairs, count, 0, 1)]),
  ]);
}

/** libsvm's predict: a decision of zero is won by the second class. */
function mostVotes(call: Call, decisions: Value, pairs: readonly Pair[], count: number): Value {
  return argMax(call, votes(call, call.node('Greater', [decisions, call.scalar(0)]), pairs, count));
}

/** scikit-learn's `_ovr_decision_function`: votes, a decision of zero won by the first class, and the sum of decisions within ±1/3. */
function confidences(call: Call, decisions: Value, pairs: readonly Pair[], count: number): Value {
  const won = call.node('GreaterOrEqual', [decisions, call.scalar(0)]);
  const sum = call.node('MatMul', [decisions, incidence(call, pairs, count, 1, -1)]);
  if (!call.estimator.since([0, 21]))
    return call.node('Add', [votes(call, won, pairs, count), scaledByLargest(call, sum)]);
  const scale = call.node('Mul', [call.scalar(3), call.node('Add', [call.node('Abs', [sum]), call.scalar(1)])]);
  return call.node('Add', [votes(call, won, pairs, count), call.node('Div', [sum, scale])]);
}

/** Until 0.20 confidences were scaled into (-0.5, 0.5) by the largest of all rows that were asked together. */
function scaledByLargest(call: Call, sum: Value): Value {
  call.context.dependOnRequest();
  const extreme = (operator: string) => call.node(operator, [sum], { keepdims: 0 });
  const [highest, lowest] = [extreme('ReduceMax'), extreme('ReduceMin')];
  const largest = call.node('Max', [call.node('Abs', [highest]), call.node('Abs', [lowest])]);
  const scaled = call.node('Mul', [sum, call.node('Div', [call.scalar(0.5 - Number.EPSILON), largest])]);
  return call.node('Where', [call.node('Equal', [highest, lowest]), call.scalar(0), scaled]);
}
