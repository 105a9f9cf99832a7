import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, complement, logistic, perClass, softmax } from '../classification.js';
import type { EstimatorConverter, Methods, Output } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { gatherColumns } from '../features.js';
import { interpolate } from '../isotonic/isotonic-regression.js';
import { type Labels, labelTexts, pickLabel } from '../labels.js';

/**
 * [batch, n] → predict_proba: the mean of what the calibrated classifiers say, each of which turns one score a class
 * into a probability, by a logistic or an isotonic regression, or all of them by one temperature.
 */
export const calibratedClassifierCV: EstimatorConverter = {
  className: 'sklearn.calibration.CalibratedClassifierCV',
  parameters: ['base_estimator', 'estimator', 'cv', 'ensemble', 'method', 'n_jobs'],
  input(estimator, describe) {
    estimator.checkFitted('calibrated_classifiers_');
    const [first] = estimator.list('calibrated_classifiers_');
    const calibrated = estimator.partOf(first);
    return describe(calibrated.partOf(calibrated.part(innerName(calibrated))));
  },
  convert(call): Methods {
    const { estimator } = call;
    const classes = estimator.labels('classes_');
    const parts = estimator.list('calibrated_classifiers_').map((part) => estimator.partOf(part));
    if (parts.length === 0) estimator.refuse('calibrated_classifiers_ is empty');
    let mean: Value | undefined;
    const meanOnce = () => {
      mean ??= average(
        call,
        parts.map((part) => probabilities(call, part, classes)),
      );
      return mean;
    };
    return {
      classes,
      predict: () => pickLabel(call.graph, classes, argMax(call, meanOnce())),
      predict_proba: () => perClass(meanOnce(), classes),
    };
  },
};

/** Renamed in 1.2. */
const innerName = (calibrated: Estimator) => (calibrated.has('estimator') ? 'estimator' : 'base_estimator');

function average(call: Call, values: readonly Value[]): Value {
  if (values.length === 1) return values[0]!;
  const sum = values.reduce((total, value) => call.node('Add', [total, value]));
  return call.node('Div', [sum, call.scalar(values.length)]);
}

/** What one calibrated classifier says: [batch, classes]. */
function probabilities(call: Call, calibrated: Estimator, classes: Labels): Value {
  const { graph } = call;
  const count = classes.shape[0]!;
  const inner = call.convert(calibrated.part(innerName(calibrated)), call.input);
  const { scores, probable } = readScores(call, calibrated, inner, classes);
  const method = calibrated.choice('method', ['sigmoid', 'isotonic', 'temperature']);
  // Renamed in 0.24.
  const calibrators = calibrated
    .list(calibrated.has('calibrators') ? 'calibrators' : 'calibrators_')
    .map((part) => calibrated.partOf(part));
  const width = method === 'temperature' || count === 2 ? 1 : count;
  if (calibrators.length !== width) calibrated.refuse(`it has ${calibrators.length} calibrators, expected ${width}`);
  if (method === 'temperature') return capped(call, atTemperature(call, calibrators[0]!, scores, probable, count));
  const columns = calibrators.map((calibrator, i) => {
    const score = call.node('Squeeze', [gatherColumns(graph, scores, width, [i]), graph.int64s([1])]);
    return calibrate(call, calibrator, score);
  });
  if (count === 2) return capped(call, complement(call, columns[0]!));
  const all = call.node(
    'Concat',
    columns.map((column) => call.node('Unsqueeze', [column, graph.int64s([1])])),
    { axis: 1 },
  );
  const sum = call.reduce('ReduceSum', all, 1, true);
  const none = call.node('Equal', [sum, call.scalar(0)]);
  const share = call.node('Div', [all, call.node('Where', [none, call.scalar(1), sum])]);
  return capped(call, call.node('Where', [none, call.scalar(1 / count), share]));
}

/** One score a class, or that of the second class where there are two: [batch, 1] or [batch, classes]. */
function readScores(
  call: Call,
  calibrated: Estimator,
  inner: Methods,
  classes: Labels,
): { scores: Value; probable: boolean } {
  const { graph } = call;
  const count = classes.shape[0]!;
  const theirs = inner.classes;
  if (theirs === undefined || Array.isArray(theirs)) {
    return calibrated.refuse('its estimator should be a classifier of one target');
  }
  const encoded = calibrated.get('method') === 'temperature';
  // One temperature for all wants no names: for it the classes were numbered before the estimator saw them.
  const same = encoded
    ? (theirs as Labels).shape[0] === count
    : labelTexts(theirs as Labels).join('\n') === labelTexts(classes).join('\n');
  if (!same) {
    calibrated.refuse('its estimator saw other classes than the whole; a fold of the training set lacked one');
  }
  if (inner.decision_function !== undefined) {
    const { value, shape } = inner.decision_function();
    const columns = shape.length === 1 ? 1 : shape[1];
    if (columns !== (count === 2 ? 1 : count)) {
      calibrated.refuse(`the decision_function of its estimator has ${columns} columns for ${count} classes`);
    }
    const scores = shape.length === 1 ? call.node('Unsqueeze', [value, graph.int64s([1])]) : value;
    return { scores, probable: false };
  }
  const method = inner.predict_proba ?? calibrated.refuse('its estimator has no scores and no probabilities');
  const { value } = method() as Output;
  return { scores: count === 2 ? gatherColumns(graph, value, 2, [1]) : value, probable: true };
}

function calibrate(call: Call, calibrator: Estimator, score: Value): Value {
  switch (calibrator.name) {
    case '_SigmoidCalibration': {
      const scaled = call.node('Mul', [score, call.scalar(calibrator.number('a_'))]);
      return logistic(call, call.node('Neg', [call.node('Add', [scaled, call.scalar(calibrator.number('b_'))])]));
    }
    case 'IsotonicRegression':
      return interpolate(call, calibrator, score);
    default:
      return calibrator.refuse('it is no calibrator that is known here');
  }
}

/** Softmax of logits multiplied by `beta_`; probabilities are taken for logits by their logarithms. */
function atTemperature(call: Call, calibrator: Estimator, scores: Value, probable: boolean, count: number): Value {
  const beta = call.scalar(calibrator.number('beta_'));
  let logits = scores;
  if (probable) {
    const p =
      count === 2 ? call.node('Concat', [call.node('Sub', [call.scalar(1), scores]), scores], { axis: 1 }) : scores;
    logits = call.node('Log', [call.node('Add', [p, call.scalar(1e-12)])]);
  } else if (count === 2) {
    logits = call.node('Concat', [call.node('Neg', [scores]), scores], { axis: 1 });
  } else {
    refuseLookalikes(call, scores);
  }
  return softmax(call, call.node('Mul', [beta, logits]));
}

/**
 * scikit-learn takes scores for probabilities when all rows of a request look like them, so that what it says of such a
 * row depends on the others.
 */
function refuseLookalikes(call: Call, scores: Value): void {
  const within = call.node('And', [
    call.node('GreaterOrEqual', [call.reduce('ReduceMin', scores), call.scalar(0)]),
    call.node('LessOrEqual', [call.reduce('ReduceMax', scores), call.scalar(1)]),
  ]);
  const off = call.node('Abs', [call.node('Sub', [call.reduce('ReduceSum', scores), call.scalar(1)])]);
  const lookalike = call.node('And', [within, call.node('Less', [off, call.scalar(1e-4)])]);
  call.guard(call.node('Not', [lookalike]), 'a row whose scores look like probabilities to the temperature scaling');
}

/** Probabilities that exceed 1 by no more than 1e-5 are 1. */
function capped(call: Call, p: Value): Value {
  const over = call.node('And', [
    call.node('Greater', [p, call.scalar(1)]),
    call.node('LessOrEqual', [p, call.scalar(1 + 1e-5)]),
  ]);
  return call.node('Where', [over, call.scalar(1), p]);
}
