import { PythonTuple, type PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, perClass } from '../classification.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { type Estimator, listOf, toNumber } from '../estimator.js';
import { type Features, matrix } from '../features.js';
import { pickLabel } from '../labels.js';
import { asFloat, oneHot, single, sumOf } from './combine.js';
import { inputOfParts, partsOf } from './parts.js';

const voting = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.ensemble._voting.${name}`,
  parameters: ['estimators', 'voting', 'weights', 'n_jobs', 'flatten_transform', 'verbose', 'named_estimators'],
  input: (estimator, describe) => inputOfParts(estimator, describe, partsOf(estimator)[0]),
  convert,
});

/** Weights of the parts that are not dropped; `undefined` without weights. */
function weightsOf(estimator: Estimator, count: number): number[] | undefined {
  if (!estimator.has('weights')) return undefined;
  const weights = estimator.list('weights').map((weight) => toNumber(weight));
  const isKept = (item: PythonValue) => {
    const part = item instanceof PythonTuple ? item.items[1] : listOf(item)?.[1];
    return part !== 'drop' && (part ?? null) !== null;
  };
  const kept = estimator.list('estimators').map(isKept);
  const chosen = weights.filter((_, i) => kept[i]);
  if (weights.length !== kept.length || chosen.length !== count || chosen.includes(undefined)) {
    estimator.refuse('weights should be a number for each of its estimators');
  }
  return chosen as number[];
}

/** Terms added up, each times its weight. */
function weighted(call: Call, terms: readonly Value[], weights: readonly number[] | undefined): Value {
  return sumOf(
    call,
    weights === undefined ? terms : terms.map((term, i) => call.node('Mul', [term, call.scalar(weights[i]!)])),
  );
}

/** As `weighted`, divided by the sum of the weights. */
function average(call: Call, terms: readonly Value[], weights: readonly number[] | undefined): Value {
  const sum = weights === undefined ? terms.length : weights.reduce((total, weight) => total + weight, 0);
  return call.node('Div', [weighted(call, terms, weights), call.scalar(sum)]);
}

/**
 * [batch, n] → predict: the class with the most votes, each of its part's weight, the first of equals; with soft
 * voting that of the highest mean probability, which predict_proba gives then.
 */
function convertClassifier(call: Call): Methods {
  const { estimator, graph } = call;
  const objects = partsOf(estimator);
  const parts = objects.map((part) => call.convert(part, call.input));
  const weights = weightsOf(estimator, parts.length);
  const classes = estimator.labels('classes_');
  const width = classes.shape[0]!;
  if (estimator.choice('voting', ['hard', 'soft']) === 'hard') {
    const votes = () =>
      parts.map(({ predict }) => oneHot(call, predict?.().value ?? estimator.refuse('a part does not predict'), width));
    return {
      classes,
      predict: () => pickLabel(graph, classes, argMax(call, weighted(call, votes(), weights))),
      transform: () => predictions(call, parts),
    };
  }
  const each = () =>
    parts.map(({ predict_proba }) => {
      const result = predict_proba?.() ?? estimator.refuse('a part of it gives no probabilities');
      return single(call, result).value;
    });
  let mean: Value | undefined;
  const probabilities = () => {
    mean ??= average(call, each(), weights);
    return mean;
  };
  // Unless it is flat, the result has a row for each part.
  const flat = estimator.has('flatten_transform') && estimator.boolean('flatten_transform');
  return {
    classes,
    predict: () => pickLabel(graph, classes, argMax(call, probabilities())),
    predict_proba: () => perClass(probabilities(), classes),
    ...(flat ? { transform: () => matrix(call.node('Concat', each(), { axis: 1 }), width * parts.length, true) } : {}),
  };
}

/** What the parts predict, [batch, parts]. */
function predictions(call: Call, parts: readonly Methods[]): Features {
  const axis = call.graph.int64s([1]);
  const columns = parts.map(({ predict }) => {
    const output = predict?.() ?? call.estimator.refuse('a part of it does not predict');
    return call.node('Unsqueeze', [asFloat(call, output), axis]);
  });
  return matrix(call.node('Concat', columns, { axis: 1 }), parts.length, true);
}

/** [batch, n] → predict: the mean of what the parts predict, by their weights. */
function convertRegressor(call: Call): Methods {
  const { estimator } = call;
  const parts = partsOf(estimator).map((part) => call.convert(part, call.input));
  const weights = weightsOf(estimator, parts.length);
  return {
    predict: () => {
      const terms = parts.map(({ predict }) =>
        asFloat(call, predict?.() ?? estimator.refuse('a part does not predict')),
      );
      return { value: average(call, terms, weights), dtype: 'float64', shape: [null] };
    },
    transform: () => predictions(call, parts),
  };
}

export const votingClassifier = voting('VotingClassifier', convertClassifier);
export const votingRegressor = voting('VotingRegressor', convertRegressor);
