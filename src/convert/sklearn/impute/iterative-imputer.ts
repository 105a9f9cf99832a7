import { PythonObject, PythonTuple, type PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { toNumber, toNumbers } from '../estimator.js';
import { concatenate, type Features, gatherColumns, matrix } from '../features.js';
import { isNull, missingNumbers, readMissingValue } from './missing-value.js';
import { readIndicator } from './simple-imputer.js';

/** Rounds times features beyond this would make a graph of more nodes than anybody waits for. */
const mostSteps = 2000;

/**
 * [batch, n] → transform [batch, n − empty (+ indicators)]: missing values begin as the initial imputer fills them;
 * then, in the order of training, each column is predicted from its neighbours and cut to its limits.
 * Reference: sklearn/impute/_iterative.py
 */
export const iterativeImputer: EstimatorConverter = {
  className: 'sklearn.impute._iterative.IterativeImputer',
  parameters: [
    ...['estimator', 'missing_values', 'sample_posterior', 'max_iter', 'tol', 'n_nearest_features', 'fill_value'],
    ...['initial_strategy', 'imputation_order', 'skip_complete', 'min_value', 'max_value', 'verbose', 'random_state'],
    ...['add_indicator', 'keep_empty_features'],
  ],
  input(estimator) {
    estimator.checkFitted('imputation_sequence_');
    return tableOf(estimator, estimator.partOf(estimator.get('initial_imputer_')).list('statistics_').length);
  },
  convert: (call) => ({ transform: () => impute(call) }),
};

function impute(call: Call): Features {
  const { estimator } = call;
  if (estimator.boolean('sample_posterior')) {
    estimator.refuse('sample_posterior is True: it draws at random what it fills in');
  }
  const initial = estimator.partOf(estimator.get('initial_imputer_'));
  const size = initial.list('statistics_').length;
  const missing = readMissingValue(estimator);
  const { value } = call.matrix(size, { missing: isNull(missing) });
  const isMissing = missingNumbers(call, value, missing);
  const mask = matrix(isMissing, size, true);
  const filled = call.convert(estimator.get('initial_imputer_'), matrix(value, size, !isNull(missing))).transform!();
  if (filled.kind !== 'matrix') return estimator.refuse('its initial imputer does not fill in numbers');
  // What was empty in training is left out, and has no statistic: the columns that are left keep their order.
  const kept = keptColumns(call, size, filled.size);
  const imputed = refine(call, filled.value, gatherColumns(call.graph, mask.value, size, kept), kept.length);
  const indicated = readIndicator(estimator, size);
  if (indicated.length === 0) return imputed;
  const marks = call.node('Cast', [isMissing], { to: 11 });
  const indicators = matrix(gatherColumns(call.graph, marks, size, indicated), indicated.length, true);
  return concatenate(call.graph, [imputed, indicators]);
}

function keptColumns(call: Call, size: number, filledSize: number): number[] {
  const all = Array.from({ length: size }, (_, i) => i);
  if (filledSize === size) {
    const isEmpty = call.estimator.has('_is_empty_feature') ? call.estimator.list('_is_empty_feature') : [];
    if (isEmpty.includes(true)) call.estimator.refuse('a column was empty in training, and is kept');
    return all;
  }
  const statistics = call.estimator.partOf(call.estimator.get('initial_imputer_')).vector('statistics_');
  const kept = all.filter((i) => !Number.isNaN(statistics[i]));
  if (kept.length !== filledSize) call.estimator.refuse('its initial imputer leaves out other columns than were empty');
  return kept;
}

/** The rounds of training again, on columns [batch, 1]. */
function refine(call: Call, filled: Value, isMissing: Value, size: number): Features {
  const { estimator, graph } = call;
  const steps = estimator.list('imputation_sequence_');
  if (steps.length > mostSteps)
    estimator.refuse(`it imputes ${steps.length} times; at most ${mostSteps} are converted`);
  if (estimator.integer('n_iter_') === 0) return matrix(filled, size, true);
  const low = readLimits(call, 'min_value', Number.NEGATIVE_INFINITY, size);
  const high = readLimits(call, 'max_value', Number.POSITIVE_INFINITY, size);
  const columnOf = (value: Value, index: number) => gatherColumns(graph, value, size, [index]);
  const columns = Array.from({ length: size }, (_, i) => columnOf(filled, i));
  const masks = Array.from({ length: size }, (_, i) => columnOf(isMissing, i));
  for (const step of steps) {
    const { column, neighbours, part } = readStep(call, step, size);
    const inputs = neighbours.map((i) => columns[i]!);
    const given = matrix(
      inputs.length === 1 ? inputs[0]! : call.node('Concat', inputs, { axis: 1 }),
      inputs.length,
      true,
    );
    const { predict } = call.convert(part, given);
    if (predict === undefined) return estimator.refuse('one of its estimators has no predict');
    let predicted = call.node('Reshape', [predict().value, graph.int64s([-1, 1])]);
    if (low[column] !== Number.NEGATIVE_INFINITY) predicted = call.node('Max', [predicted, call.scalar(low[column]!)]);
    if (high[column] !== Number.POSITIVE_INFINITY)
      predicted = call.node('Min', [predicted, call.scalar(high[column]!)]);
    columns[column] = call.node('Where', [masks[column]!, predicted, columns[column]!]);
  }
  const refined = call.node('Concat', columns, { axis: 1 });
  // Rows of nothing but missing values are refined among others, and left as they were filled when they are alone.
  call.context.dependOnRequest();
  const marks = call.node('Cast', [isMissing], { to: 7 });
  const allMissing = call.node('Cast', [call.node('ReduceMin', [marks], { keepdims: 0 })], { to: 9 });
  return matrix(call.node('Where', [allMissing, filled, refined]), size, true);
}

/** `_ImputerTriplet(feat_idx, neighbor_feat_idx, estimator)`, a named tuple. */
function readStep(call: Call, step: PythonValue, size: number) {
  const [first, ...rest] = step instanceof PythonObject ? step.args : step instanceof PythonTuple ? step.items : [];
  const items = rest.length === 0 && first instanceof PythonTuple ? first.items : [first, ...rest];
  const column = toNumber(items[0] ?? null);
  const neighbours = toNumbers(items[1])?.data;
  const isColumn = (i: number | undefined) => Number.isInteger(i) && i! >= 0 && i! < size;
  if (!isColumn(column) || neighbours === undefined || neighbours.length === 0 || !neighbours.every(isColumn)) {
    return call.estimator.refuse('a step of imputation_sequence_ is damaged');
  }
  return { column: column!, neighbours: Array.from(neighbours), part: items[2] };
}

/** One limit a column, or one for all; none is infinite. */
function readLimits(call: Call, name: 'min_value' | 'max_value', none: number, size: number): Float64Array {
  const value = call.estimator.get(`_${name}`) ?? call.estimator.get(name) ?? null;
  if (value === null) return new Float64Array(size).fill(none);
  const single = toNumber(value);
  if (single !== undefined) return new Float64Array(size).fill(single);
  const limits = toNumbers(value)?.data;
  if (limits?.length !== size) return call.estimator.refuse(`_${name} should have a limit for each of ${size} columns`);
  return limits;
}
