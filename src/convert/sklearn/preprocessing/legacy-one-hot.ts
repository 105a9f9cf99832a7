import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { type Estimator, toNumber } from '../estimator.js';
import { concatenate, densify, type Features, type Matrix, selectColumns } from '../features.js';

/** One-hot of whole numbers, as until scikit-learn 0.19, and until 0.21 in its "legacy mode". */
export function isLegacyOneHot(estimator: Estimator): boolean {
  if (estimator.get('_legacy_mode') === true) return true;
  return estimator.get('categories_') === undefined && !estimator.since([0, 20]);
}

/** Attributes of the legacy mode start with an underscore in 0.20 and 0.21. */
const nameOf = (estimator: Estimator, name: string) => (estimator.get(name) === undefined ? `_${name}` : name);

export function legacyOneHotSize(estimator: Estimator): number {
  const attribute = nameOf(estimator, 'feature_indices_');
  estimator.checkFitted(attribute);
  const encoded = estimator.vector(attribute).length - 1;
  const selection = selected(estimator);
  if (selection === 'all') return encoded;
  const items = estimator.list(nameOf(estimator, 'categorical_features'));
  if (items.every((item) => typeof item === 'boolean')) return items.length;
  return estimator.refuse('it encodes some columns only, and its file does not say how many there are');
}

function selected(estimator: Estimator): 'all' | Float64Array {
  const name = nameOf(estimator, 'categorical_features');
  if (!estimator.has(name)) return 'all';
  if (estimator.get(name) === 'all') return 'all';
  const items = estimator.list(name);
  return Float64Array.from(items, (item) =>
    typeof item === 'boolean' ? Number(item) : (toNumber(item) ?? Number.NaN),
  );
}

/**
 * [batch, n] → [batch, width]: value v of column j is at `feature_indices_[j] + v`, of which `active_features_` are
 * kept where the sizes were learnt. Columns that are not categorical follow. Fractions are cut off, as `dtype=int` does.
 */
export function legacyOneHot(call: Call): Features {
  const { estimator, graph } = call;
  const selection = selected(estimator);
  if (selection === 'all') return encode(call, call.matrix());
  const all = call.matrix();
  const mask = maskOf(estimator, selection, all.size);
  const pick = (wanted: boolean) => mask.flatMap((is, i) => (is === wanted ? [i] : []));
  if (!mask.includes(true)) return all;
  const encoded = encode(call, selectColumns(graph, all, pick(true)) as Matrix);
  return mask.includes(false) ? concatenate(graph, [encoded, selectColumns(graph, all, pick(false))]) : encoded;
}

/** `categorical_features` is a mask of booleans, or indices. */
function maskOf(estimator: Estimator, selection: Float64Array, size: number): boolean[] {
  const items = estimator.list(nameOf(estimator, 'categorical_features'));
  if (items.every((item) => typeof item === 'boolean')) {
    if (items.length !== size) estimator.refuse(`categorical_features has ${items.length} values for ${size} columns`);
    return items as boolean[];
  }
  const mask = new Array<boolean>(size).fill(false);
  for (const index of selection) {
    if (!(Number.isInteger(index) && index >= 0 && index < size)) estimator.refuse('categorical_features is odd');
    mask[index] = true;
  }
  return mask;
}

function encode(call: Call, { value, size }: Matrix): Features {
  const { estimator, graph } = call;
  const starts = estimator.vector(nameOf(estimator, 'feature_indices_'), size + 1);
  const width = starts[size]!;
  if (!(width <= 2 ** 20)) estimator.refuse(`it would make ${width} columns`);
  const whole = call.node('Cast', [call.node('Cast', [value], { to: 7 })], { to: 11 });
  const counts = call.floats(Float64Array.from({ length: size }, (_, j) => starts[j + 1]! - starts[j]!));
  const negative = call.reduce('ReduceMin', whole);
  call.guard(call.node('GreaterOrEqual', [negative, call.scalar(0)]), `${estimator.name} takes no negative values`);
  const fits = call.node('Less', [whole, counts]);
  const known = call.node('Cast', [fits], { to: 11 });
  if (estimator.choice('handle_unknown', ['error', 'ignore']) === 'error') {
    const ok = call.node('Greater', [call.reduce('ReduceMin', known), call.scalar(0)]);
    call.guard(ok, `a value is beyond those that ${estimator.name} was fitted on`);
  }
  // Each place of the full width, as a column of the result: the active ones alone.
  const active = nameOf(estimator, 'active_features_');
  const places = estimator.has(active) ? estimator.vector(active) : Float64Array.from({ length: width }, (_, i) => i);
  const table = new BigInt64Array(width).fill(-1n);
  for (const [i, place] of places.entries()) table[place] = BigInt(i);
  const place = call.node('Add', [call.node('Mul', [whole, known]), call.floats(starts.slice(0, size))]);
  const index = call.node('Cast', [place], { to: 7 });
  const column: Value = call.node('Gather', [
    graph.constant({ dtype: 'int64', shape: [width], data: table }, 'places'),
    index,
  ]);
  const zero = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(0n) }, 'code');
  const isActive = call.node('Cast', [call.node('GreaterOrEqual', [column, zero])], { to: 11 });
  return densify(graph, {
    kind: 'sparse',
    indices: call.node('Max', [column, zero]),
    values: call.node('Mul', [known, isActive]),
    size: places.length,
    finite: true,
  });
}
