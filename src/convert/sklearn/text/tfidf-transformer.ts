import { NumpyArray, PythonDict, PythonObject } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { anyWidthInput, tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Estimator, toNumbers } from '../estimator.js';
import { matrix } from '../features.js';

/** Counts [batch, n] → transform [batch, n]: `1 + ln` of them, times the inverse document frequency, rows normalised. */
export const tfidfTransformer: EstimatorConverter = {
  className: 'sklearn.feature_extraction.text.TfidfTransformer',
  // `smooth_idf` went into what was learnt.
  parameters: ['norm', 'use_idf', 'smooth_idf', 'sublinear_tf'],
  input(estimator) {
    const size = readWeighing(estimator).factors?.length;
    if (size !== undefined) return tableOf(estimator, size);
    // Without frequencies it kept nothing of its fit before 0.24.
    return anyWidthInput(estimator);
  },
  convert(call) {
    const weighing = readWeighing(call.estimator);
    return {
      transform() {
        const counts = call.numbers(weighing.factors?.length);
        if (counts.kind === 'sparse') {
          const factors = (all: Value) => call.node('Gather', [all, counts.indices]);
          return { ...counts, values: weighed(call, counts.values, weighing, factors) };
        }
        return matrix(
          weighed(call, counts.value, weighing, (all) => all),
          counts.size,
          counts.finite,
        );
      },
    };
  },
};

export interface Weighing {
  readonly sublinear: boolean;
  readonly factors?: Float64Array;
  readonly norm?: 'l1' | 'l2';
}

/** What a fitted TfidfTransformer does. */
export function readWeighing(estimator: Estimator): Weighing {
  const norm = readNorm(estimator);
  return {
    sublinear: estimator.boolean('sublinear_tf'),
    ...(estimator.boolean('use_idf') ? { factors: readFrequencies(estimator) } : {}),
    ...(norm === undefined ? {} : { norm }),
  };
}

export function readNorm(estimator: Estimator): 'l1' | 'l2' | undefined {
  return estimator.has('norm') ? estimator.choice<'l1' | 'l2'>('norm', ['l1', 'l2']) : undefined;
}

/** `idf_` since 1.4; a diagonal matrix before. */
function readFrequencies(estimator: Estimator): Float64Array {
  if (estimator.get('idf_') instanceof NumpyArray) return estimator.vector('idf_');
  const diagonal = estimator.get('_idf_diag');
  if (diagonal === undefined) estimator.refuse('it is not fitted (it has no idf_); call fit() before saving');
  const state = diagonal instanceof PythonObject ? diagonal.state : undefined;
  const part = (name: string) => (state instanceof PythonDict ? toNumbers(state.get(name))?.data : undefined);
  const [data, indices, pointers, offsets] = ['data', 'indices', 'indptr', 'offsets'].map(part);
  const isDiagonal =
    data !== undefined &&
    data.length > 0 &&
    (offsets === undefined
      ? indices?.length === data.length &&
        pointers?.length === data.length + 1 &&
        indices.every((index, i) => index === i) &&
        pointers.every((pointer, i) => pointer === i)
      : offsets.length === 1 && offsets[0] === 0);
  return isDiagonal ? data : estimator.refuse('_idf_diag should be a diagonal matrix');
}

/** Zeros stay zeros, and a row of zeros stays one. */
function weighed(
  call: Call,
  counts: Value,
  { sublinear, factors, norm }: Weighing,
  spread: (factors: Value) => Value,
): Value {
  const zero = call.scalar(0);
  let values = counts;
  if (sublinear) {
    const isZero = call.node('Equal', [values, zero]);
    const logarithm = call.node('Add', [call.node('Log', [values]), call.scalar(1)]);
    values = call.node('Where', [isZero, zero, logarithm]);
  }
  if (factors !== undefined) values = call.node('Mul', [values, spread(call.floats(factors))]);
  return norm === undefined ? values : normalisedRows(call, values, norm);
}

/** [batch, n] with rows of length 1; a row of zeros stays one. */
export function normalisedRows(call: Call, values: Value, norm: 'l1' | 'l2'): Value {
  const absolute = norm === 'l1' ? call.node('Abs', [values]) : call.node('Mul', [values, values]);
  const sum = call.reduce('ReduceSum', absolute, 1, true);
  const length = norm === 'l1' ? sum : call.node('Sqrt', [sum]);
  const isZero = call.node('Equal', [length, call.scalar(0)]);
  return call.node('Div', [values, call.node('Where', [isZero, call.scalar(1), length])]);
}
