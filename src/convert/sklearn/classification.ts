/** From scores or probabilities to the methods of a classifier. */
import type { Value } from '../graph-builder.js';
import type { Call } from './call.js';
import type { Methods, Output } from './converter.js';
import { type Labels, labelTexts, pickLabel } from './labels.js';

export interface ClassifierParts {
  readonly classes: Labels;
  /** Decision function: [batch] for two classes (positive means the second), [batch, classes] for more. */
  readonly scores?: () => Value;
  /** [batch, classes], from the scores where there are any. */
  readonly probabilities?: (scores: Value) => Value;
  /** Index of the class predicted, int64 [batch]; otherwise the highest score, else the highest probability. */
  readonly index?: () => Value;
  /** [batch, classes]; otherwise the logarithm of the probabilities. */
  readonly logProbabilities?: () => Value;
}

/** predict, predict_proba, predict_log_proba and decision_function, as far as the parts allow. */
export function classifier(call: Call, parts: ClassifierParts): Methods {
  const { classes } = parts;
  const count = classes.shape[0]!;
  let scores: Value | undefined;
  const scoresOnce = () => {
    scores ??= parts.scores?.() ?? '';
    return scores;
  };
  let probabilities: Value | undefined;
  const probabilitiesOnce = () => {
    probabilities ??= parts.probabilities!(scoresOnce());
    return probabilities;
  };
  const index =
    parts.index ??
    (parts.scores === undefined
      ? () => argMax(call, probabilitiesOnce())
      : () => (count === 2 ? isPositive(call, scoresOnce()) : argMax(call, scoresOnce())));
  return {
    classes,
    predict: () => pickLabel(call.graph, classes, index()),
    ...(parts.scores === undefined
      ? {}
      : { decision_function: (): Output => perClass(scoresOnce(), count === 2 ? undefined : classes) }),
    ...(parts.probabilities === undefined
      ? {}
      : {
          predict_proba: () => perClass(probabilitiesOnce(), classes),
          predict_log_proba: () => {
            const value = parts.logProbabilities?.() ?? call.node('Log', [probabilitiesOnce()]);
            return perClass(value, classes);
          },
        }),
  };
}

/** One value a row, or one a class when `classes` are given. */
export function perClass(value: Value, classes: Labels | undefined): Output {
  if (classes === undefined) return { value, dtype: 'float64', shape: [null] };
  return { value, dtype: 'float64', shape: [null, classes.shape[0]!], columns: labelTexts(classes) };
}

/** Index of the highest of each row, the first among equals, as `numpy.argmax`: int64 [batch]. */
export function argMax(call: Call, value: Value): Value {
  return call.node('ArgMax', [value], { axis: 1, keepdims: 0 });
}

/** 1 where a score is above zero, else 0: int64 [batch]. */
export function isPositive(call: Call, scores: Value): Value {
  return call.node('Cast', [call.node('Greater', [scores, call.scalar(0)])], { to: 7 });
}

/** [batch] → [batch, 2]: `1 - p` and `p`, p the logistic function of the score. */
export function binaryProbabilities(call: Call, scores: Value): Value {
  return complement(call, logistic(call, scores));
}

/**
 * `1 / (1 + exp(-x))`, as exact where it is small as where it is near 1: ONNX Runtime's Sigmoid of doubles takes small
 * values as one less another, which leaves nothing of them below 1e-16.
 */
export function logistic(call: Call, x: Value): Value {
  return call.node('Div', [
    call.scalar(1),
    call.node('Add', [call.scalar(1), call.node('Exp', [call.node('Neg', [x])])]),
  ]);
}

/** Each class against the rest, normalised; of two classes, the score is that of the second: [batch, classes]. */
export function oneVersusRest(call: Call, scores: Value, classes: number): Value {
  return classes === 2 ? binaryProbabilities(call, scores) : normalised(call, logistic(call, scores));
}

/** What outlier detectors predict: 1 where the score is not negative, else -1, int64 [batch]. */
export function isInlier(call: Call, scores: Value): Output {
  return labelWhere(call, call.node('GreaterOrEqual', [scores, call.scalar(0)]));
}

/** 1 where `ok`, bool [batch], else -1: int64 [batch]. */
export function labelWhere(call: Call, ok: Value): Output {
  const integer = (value: bigint) =>
    call.graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(value) }, 'label');
  return { value: call.node('Where', [ok, integer(1n), integer(-1n)]), dtype: 'int64', shape: [null] };
}

/** p [batch] → [batch, 2]: `1 - p` and `p`. */
export function complement(call: Call, p: Value): Value {
  const second = call.node('Unsqueeze', [p, call.graph.int64s([1])]);
  return call.node('Concat', [call.node('Sub', [call.scalar(1), second]), second], { axis: 1 });
}

/** [batch, classes] → softmax along the classes. */
export function softmax(call: Call, scores: Value): Value {
  return call.node('Softmax', [scores], { axis: 1 });
}

/** [batch, classes] of log-likelihoods → logarithms of the probabilities that they stand for: `x - log Σ exp(x)`. */
export function logNormalised(call: Call, likelihoods: Value): Value {
  const highest = call.reduce('ReduceMax', likelihoods, 1, true);
  const sum = call.reduce('ReduceSum', call.node('Exp', [call.node('Sub', [likelihoods, highest])]), 1, true);
  return call.node('Sub', [likelihoods, call.node('Add', [call.node('Log', [sum]), highest])]);
}

/** Rows divided by their sums. */
export function normalised(call: Call, value: Value): Value {
  return call.node('Div', [value, call.reduce('ReduceSum', value, 1, true)]);
}
