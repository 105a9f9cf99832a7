/** Several classes by estimators of two: scikit-learn's `multiclass` module. */
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, normalised, perClass } from '../classification.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { asFloat, single } from '../ensemble/combine.js';
import { inputOfParts, partsOf } from '../ensemble/parts.js';
import { type Labels, pickLabel } from '../labels.js';
import { column } from '../tree/target-methods.js';

const input: EstimatorConverter['input'] = (estimator, describe) => {
  const parts = partsOf(estimator);
  // A part that says the same of every row does not know what it takes.
  const first = parts.find((part) => estimator.partOf(part).name !== '_ConstantPredictor');
  return inputOfParts(estimator, describe, first);
};

const convertParts = (call: Call) => partsOf(call.estimator).map((part) => call.convert(part, call.input));

/** [batch] → [batch, 1]. */
const upright = (call: Call, value: Value) => call.node('Unsqueeze', [value, call.graph.int64s([1])]);

/** How sure a part is of its second class, [batch]: its score, else the probability; a regressor predicts it. */
function confidence(call: Call, part: Methods): Value {
  const { estimator } = call;
  const isRegressor = part.classes === undefined && part.decision_function === undefined;
  if (isRegressor) return asFloat(call, part.predict?.() ?? estimator.refuse('a part of it does not predict'));
  if (part.decision_function !== undefined) {
    const { value, shape } = part.decision_function();
    return shape.length === 1 ? value : estimator.refuse('a part of it has more than two classes');
  }
  return secondProbability(call, part);
}

function secondProbability(call: Call, part: Methods): Value {
  const result = part.predict_proba?.() ?? call.estimator.refuse('a part of it gives neither scores nor probabilities');
  const { value, shape } = single(call, result);
  return shape[1] === 2 ? column(call, value, 1) : call.estimator.refuse('a part of it has not two classes');
}

/** What a confidence must be above: 0 for scores of a classifier, else a half. */
const thresholdOf = ([first]: readonly Methods[]) =>
  first!.decision_function !== undefined && first!.classes !== undefined ? 0 : 0.5;

const sideBySide = (call: Call, columns: readonly Value[]) =>
  call.node(
    'Concat',
    columns.map((value) => upright(call, value)),
    { axis: 1 },
  );

const asIndex = (call: Call, ok: Value) => call.node('Cast', [ok], { to: 7 });

/**
 * [batch, n] → one estimator a class: predict the surest; predict_proba their probabilities, normalised. With several
 * labels a row (multilabel) each is decided alone.
 */
export const oneVsRestClassifier: EstimatorConverter = {
  className: 'sklearn.multiclass.OneVsRestClassifier',
  parameters: ['estimator', 'n_jobs', 'verbose'],
  input,
  convert(call) {
    const { estimator, graph } = call;
    const parts = convertParts(call);
    const binarizer = estimator.partOf(estimator.get('label_binarizer_'));
    const type = binarizer.choice('y_type_', ['binary', 'multiclass', 'multilabel-indicator']);
    const classes = binarizer.labels('classes_');
    const count = parts.length;
    const isBinary = type === 'binary' && count === 1;
    if (!isBinary && classes.shape[0] !== count) estimator.refuse('it has not one estimator a class');
    const confidences = () =>
      sideBySide(
        call,
        parts.map((part) => confidence(call, part)),
      );
    const above = () => asIndex(call, call.node('Greater', [confidences(), call.scalar(thresholdOf(parts))]));
    const predict = (): ReturnType<NonNullable<Methods['predict']>> => {
      if (type === 'multilabel-indicator') return { value: above(), dtype: 'int64', shape: [null, count] };
      return pickLabel(graph, classes, isBinary ? column(call, above(), 0) : surest(call, confidences()));
    };
    const probabilities = () => {
      const all = sideBySide(
        call,
        parts.map((part) => secondProbability(call, part)),
      );
      if (type === 'multilabel-indicator') return all;
      if (isBinary)
        return rowsOfOne(call, call.node('Concat', [call.node('Sub', [call.scalar(1), all]), all], { axis: 1 }));
      return rowsOfOne(call, all);
    };
    const decisions = parts.map(({ decision_function }) => decision_function);
    return {
      classes,
      predict,
      ...(parts[0]!.predict_proba === undefined ? {} : { predict_proba: () => perClass(probabilities(), classes) }),
      ...(decisions[0] === undefined
        ? {}
        : {
            decision_function: () =>
              perClass(
                count === 1
                  ? confidence(call, parts[0]!)
                  : sideBySide(
                      call,
                      parts.map((part) => asFloat(call, part.decision_function!())),
                    ),
                count === 1 ? undefined : classes,
              ),
          }),
    };
  },
};

/** The surest class; of equals the last until 1.7, and the first since. */
function surest(call: Call, confidences: Value): Value {
  if (call.estimator.since([1, 8])) return argMax(call, confidences);
  return call.node('ArgMax', [confidences], { axis: 1, keepdims: 0, select_last_index: 1 });
}

/** Rows divided by their sums; a row of zeros stays one since 1.7. */
function rowsOfOne(call: Call, value: Value): Value {
  if (!call.estimator.since([1, 7])) return normalised(call, value);
  const sum = call.reduce('ReduceSum', value, 1, true);
  return call.node('Div', [
    value,
    call.node('Where', [call.node('Equal', [sum, call.scalar(0)]), call.scalar(1), sum]),
  ]);
}

/** [batch, n] → one estimator a pair of classes: decision_function their votes, and what they are sure of for ties. */
export const oneVsOneClassifier: EstimatorConverter = {
  className: 'sklearn.multiclass.OneVsOneClassifier',
  parameters: ['estimator', 'n_jobs'],
  input,
  convert(call) {
    const { estimator, graph } = call;
    if (estimator.has('pairwise_indices_')) estimator.refuse('it was fitted on a kernel matrix, not on features');
    const classes = estimator.labels('classes_');
    const count = classes.shape[0]!;
    const parts = convertParts(call);
    if (parts.length !== (count * (count - 1)) / 2) estimator.refuse('it has not one estimator a pair of classes');
    let all: Value | undefined;
    const decisions = () => {
      all ??= decide(call, parts, count);
      return all;
    };
    const binary = count === 2 && estimator.since([0, 19]);
    const threshold = estimator.since([1, 1]) ? thresholdOf(parts) : 0;
    const second = () => column(call, decisions(), 1);
    const index = () =>
      binary ? asIndex(call, call.node('Greater', [second(), call.scalar(threshold)])) : argMax(call, decisions());
    return {
      classes,
      predict: () => pickLabel(graph, classes, index()),
      decision_function: () => (binary ? perClass(second(), undefined) : perClass(decisions(), classes)),
    };
  },
};

/** [batch, classes]: votes, and sums of confidences bent so that they break ties and nothing else. */
function decide(call: Call, parts: readonly Methods[], count: number): Value {
  const { estimator } = call;
  const predictions = sideBySide(
    call,
    parts.map((part) => asFloat(call, part.predict?.() ?? estimator.refuse('a part does not predict'))),
  );
  const confidences = sideBySide(
    call,
    parts.map((part) => confidence(call, part)),
  );
  const first = new Float64Array(parts.length * count);
  const second = new Float64Array(parts.length * count);
  for (let i = 0, k = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++, k++) {
      first[k * count + i] = 1;
      second[k * count + j] = 1;
    }
  }
  const voted = (wanted: number, weights: Float64Array) => {
    const yes = call.node('Cast', [call.node('Equal', [predictions, call.scalar(wanted)])], { to: 11 });
    return call.node('MatMul', [yes, call.floats(weights, [parts.length, count])]);
  };
  const votes = call.node('Add', [voted(0, first), voted(1, second)]);
  const signed = second.map((value, i) => value - first[i]!);
  const sums = call.node('MatMul', [confidences, call.floats(signed, [parts.length, count])]);
  if (!estimator.since([0, 21])) return call.node('Add', [votes, scaledOverAll(call, sums)]);
  const bent = call.node('Mul', [call.scalar(3), call.node('Add', [call.node('Abs', [sums]), call.scalar(1)])]);
  return call.node('Add', [votes, call.node('Div', [sums, bent])]);
}

/** Until 0.20 the largest sum of all rows of a request became a half. */
function scaledOverAll(call: Call, sums: Value): Value {
  call.context.dependOnRequest();
  const largest = call.node('ReduceMax', [call.node('Abs', [sums])], { keepdims: 0 });
  const level = call.node('Equal', [
    call.node('ReduceMax', [sums], { keepdims: 0 }),
    call.node('ReduceMin', [sums], { keepdims: 0 }),
  ]);
  const scale = call.node('Div', [call.scalar(0.5 - 2 ** -52), largest]);
  return call.node('Where', [level, call.scalar(0), call.node('Mul', [sums, scale])]);
}

/** [batch, n] → predict: the class whose code is nearest to what the estimators say. */
export const outputCodeClassifier: EstimatorConverter = {
  className: 'sklearn.multiclass.OutputCodeClassifier',
  parameters: ['estimator', 'code_size', 'random_state', 'n_jobs'],
  input,
  convert(call) {
    const { estimator, graph } = call;
    const classes: Labels = estimator.labels('classes_');
    const parts = convertParts(call);
    const codes = estimator.matrix('code_book_', classes.shape[0]!, parts.length);
    return {
      classes,
      predict: () => {
        const said = sideBySide(
          call,
          parts.map((part) => confidence(call, part)),
        );
        const each = call.node('Unsqueeze', [said, graph.int64s([1])]);
        const away = call.node('Sub', [each, call.floats(codes.data, [1, codes.rows, codes.columns])]);
        const distances = call.reduce('ReduceSum', call.node('Mul', [away, away]), 2);
        const nearest = call.node('ArgMin', [distances], { axis: 1, keepdims: 0 });
        return pickLabel(graph, classes, nearest);
      },
    };
  },
};

/** What all rows of the training data had in common: 1 or 0 (-1 in codes of classes), said of every row. */
export const constantPredictor: EstimatorConverter = {
  className: 'sklearn.multiclass._ConstantPredictor',
  parameters: [],
  convert(call) {
    const { estimator } = call;
    const [y] = estimator.scalarOrNumbers('y_').data;
    if (y === undefined) return estimator.refuse('y_ should be a number');
    const constant = (values: readonly number[]): Value => {
      const { graph } = call;
      const X =
        call.input.kind === 'sparse'
          ? call.input.values
          : call.matrix(undefined, { missing: true, infinite: true }).value;
      const batch = call.node('Shape', [X], { end: 1 });
      const shape =
        values.length === 1 ? batch : call.node('Concat', [batch, graph.int64s([values.length])], { axis: 0 });
      return call.node('Expand', [call.floats(values), shape]);
    };
    const same = () => ({ value: constant([y]), dtype: 'float64' as const, shape: [null] });
    return {
      predict: () => ({ ...same(), value: call.node('Cast', [same().value], { to: 7 }), dtype: 'int64' }),
      decision_function: same,
      predict_proba: () => ({ value: constant([1 - y, y]), dtype: 'float64', shape: [null, 2] }),
    };
  },
};
