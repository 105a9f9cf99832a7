import { PythonDict, type PythonValue } from '../../../formats/pickle/index.js';
import type { Call } from '../call.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { single } from '../ensemble/combine.js';
import { type Estimator, unwrap } from '../estimator.js';
import { type Labels, pickLabel } from '../labels.js';
import { column } from '../tree/target-methods.js';

/** Two classes, told apart at a threshold of one's own. */
const thresholdClassifier = (
  name: string,
  parameters: readonly string[],
  settings: (call: Call) => { readonly threshold: number | 'auto'; readonly positive: PythonValue },
): EstimatorConverter => ({
  className: `sklearn.model_selection._classification_threshold.${name}`,
  parameters: ['estimator', 'response_method', ...parameters],
  input: (estimator, describe) => describe(estimator.partOf(fitted(estimator))),
  convert(call) {
    const inner = call.convert(fitted(call.estimator), call.input);
    const { predict_proba, predict_log_proba, decision_function, classes } = inner;
    return {
      ...(classes === undefined ? {} : { classes }),
      predict: () => predicted(call, inner, settings(call)),
      ...(predict_proba === undefined ? {} : { predict_proba }),
      ...(predict_log_proba === undefined ? {} : { predict_log_proba }),
      ...(decision_function === undefined ? {} : { decision_function }),
    };
  },
});

/** `estimator_`, or `estimator` when that came fitted. */
const fitted = (estimator: Estimator) => estimator.get(estimator.has('estimator_') ? 'estimator_' : 'estimator');

/** The positive class where its probability, or score, reaches the threshold, else the other. */
function predicted(
  call: Call,
  { classes, predict_proba, decision_function }: Methods,
  { threshold, positive }: { readonly threshold: number | 'auto'; readonly positive: PythonValue },
): ReturnType<NonNullable<Methods['predict']>> {
  const { estimator, graph } = call;
  const labels = classes as Labels;
  if (labels?.shape[0] !== 2) return estimator.refuse('its estimator has not two classes');
  const texts = Array.from(labels.data as ArrayLike<unknown>, String);
  const label = unwrap(positive) ?? null;
  const place = label === null ? 1 : texts.indexOf(typeof label === 'boolean' ? String(Number(label)) : String(label));
  if (place < 0) estimator.refuse('pos_label is none of its classes');
  const method = estimator.choice('response_method', ['auto', 'predict_proba', 'decision_function']);
  const byProbability = method === 'auto' ? predict_proba !== undefined : method === 'predict_proba';
  const scores = () => {
    if (byProbability) {
      const result = predict_proba?.() ?? estimator.refuse('its estimator gives no probabilities');
      return column(call, single(call, result).value, place);
    }
    const { value } = decision_function?.() ?? estimator.refuse('its estimator has no decision_function');
    return place === 1 ? value : call.node('Neg', [value]);
  };
  const least = threshold === 'auto' ? (byProbability ? 0.5 : 0) : threshold;
  const reached = call.node('GreaterOrEqual', [scores(), call.scalar(least)]);
  const index = (value: number) =>
    graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(value)) }, 'label');
  return pickLabel(graph, labels, call.node('Where', [reached, index(place), index(1 - place)]));
}

export const fixedThresholdClassifier = thresholdClassifier(
  'FixedThresholdClassifier',
  ['threshold', 'pos_label'],
  ({ estimator }) => ({
    threshold: estimator.get('threshold') === 'auto' ? 'auto' : estimator.number('threshold'),
    positive: estimator.get('pos_label') ?? null,
  }),
);

export const tunedThresholdClassifier = thresholdClassifier(
  'TunedThresholdClassifierCV',
  ['scoring', 'thresholds', 'cv', 'refit', 'n_jobs', 'random_state', 'store_cv_results'],
  ({ estimator }) => ({
    threshold: estimator.number('best_threshold_'),
    positive: positiveLabel(estimator),
  }),
);

/** The scorer's `pos_label`; without one the second class is positive. */
function positiveLabel(estimator: Estimator): PythonValue {
  const { state } = estimator.part('_curve_scorer');
  const settings = state instanceof PythonDict ? state.get('_kwargs') : undefined;
  return settings instanceof PythonDict ? (settings.get('pos_label') ?? null) : null;
}
