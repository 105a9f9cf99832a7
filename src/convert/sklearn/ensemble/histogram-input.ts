import { PythonTuple, type PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { type Estimator, listOf, toNumbers, unwrap } from '../estimator.js';
import { concatenate, gatherColumns, type Matrix, matrix, selectColumns } from '../features.js';

/**
 * The input as the trees of histogram boosting see it, [batch, n]. NaN stands for what is missing, and for categories
 * that were not known in training: scikit-learn sends both the same way.
 *
 * - Since 1.4 an encoder numbers the categories, and their columns come first.
 * - From 0.24 to 1.3 a category is its own number, taken as an unsigned byte.
 */
export function histogramInput(call: Call, size: number): Value {
  const { estimator } = call;
  // Missing values are taken since 0.22, and with them infinities.
  if (!estimator.since([0, 22])) return call.matrix(size).value;
  const categorical = categoricalFeatures(estimator, size);
  const taken = { missing: true, infinite: true };
  if (categorical.length === 0) return call.matrix(size, taken).value;
  if (estimator.has('_preprocessor')) return encoded(call, size, categorical).value;
  const X = call.matrix(size, taken).value;
  const chosen = gatherColumns(call.graph, X, size, categorical);
  const codes = bytes(call, chosen, knownCategories(estimator, categorical));
  const others = complementOf(categorical, size);
  const mixed = call.node('Concat', [codes, gatherColumns(call.graph, X, size, others)], { axis: 1 });
  const places = [...categorical, ...others];
  const order = places.map((_, feature) => places.indexOf(feature));
  return gatherColumns(call.graph, mixed, size, order);
}

/** Positions of the categorical columns in the caller's table. */
function categoricalFeatures(estimator: Estimator, size: number): number[] {
  const mask = listOf(estimator.get('is_categorical_'))?.map((item) => unwrap(item));
  if (mask === undefined) return [];
  if (mask.length !== size) return estimator.refuse(`is_categorical_ should have ${size} values`);
  return mask.flatMap((item, i) => (item === true || item === 1n || item === 1 ? [i] : []));
}

const complementOf = (chosen: readonly number[], size: number) =>
  Array.from({ length: size }, (_, i) => i).filter((i) => !chosen.includes(i));

/** Codes of the fitted encoder, NaN for categories that it does not know, and then the other columns as they are. */
function encoded(call: Call, size: number, categorical: readonly number[]): Matrix {
  const { estimator, graph, input } = call;
  const preprocessor = estimator.partOf(estimator.get('_preprocessor'));
  const encoder = preprocessor
    .list('transformers_')
    .map(tupleItems)
    .find(([name]) => name === 'encoder')?.[1];
  const { transform } = call.convert(encoder, selectColumns(graph, input, categorical));
  const codes = transform?.() ?? estimator.refuse('its encoder has no transform');
  const others = complementOf(categorical, size);
  const rest =
    others.length === 0
      ? []
      : [call.within(selectColumns(graph, input, others)).matrix(others.length, { missing: true, infinite: true })];
  const joined = concatenate(graph, [call.within(codes).matrix(categorical.length, { missing: true }), ...rest]);
  return joined.kind === 'matrix' ? joined : matrix(estimator.refuse('its encoder gives no numbers'), 0, false);
}

const tupleItems = (value: PythonValue) => (value instanceof PythonTuple ? value.items : []);

/** The categories of each column: the thresholds of its bins. */
function knownCategories(estimator: Estimator, categorical: readonly number[]): Float64Array[] {
  const mapper = estimator.partOf(estimator.get('_bin_mapper'));
  const bins = mapper.list('bin_thresholds_');
  return categorical.map(
    (i) => toNumbers(bins[i])?.data ?? mapper.refuse('bin_thresholds_ should be lists of numbers'),
  );
}

/**
 * [batch, k] → [batch, k]: a number as C casts it to an unsigned byte, by way of a 32-bit integer that is 0 at its end
 * for what it cannot hold; NaN for what is no known category, and for negative numbers since 1.2.
 */
function bytes(call: Call, X: Value, known: readonly Float64Array[]): Value {
  const { estimator, graph } = call;
  const table = new Float64Array(known.length * 256).fill(Number.NaN);
  for (const [j, categories] of known.entries()) {
    for (const category of categories) {
      const code = Math.trunc(category) & 255;
      table[j * 256 + code] = code;
    }
  }
  const int64 = (values: readonly number[], shape: readonly number[]) =>
    graph.constant({ dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) });
  const fits = call.node('Less', [call.node('Abs', [X]), call.scalar(2 ** 31)]);
  const whole = call.node('Cast', [call.node('Where', [fits, X, call.scalar(0)])], { to: 7 });
  const code = call.node('Mod', [whole, int64([256], [])]);
  const shifts = known.map((_, j) => j * 256);
  const found = call.node('Gather', [
    call.floats(table, [table.length], 'categories'),
    call.node('Add', [code, int64(shifts, [1, shifts.length])]),
  ]);
  const isMissing = call.node('IsNaN', [X]);
  const missing = estimator.since([1, 2])
    ? call.node('Or', [isMissing, call.node('Less', [X, call.scalar(0)])])
    : isMissing;
  return call.node('Where', [missing, call.scalar(Number.NaN), found]);
}
