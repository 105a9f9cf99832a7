import type { PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { type Categories, guardUnknown, lookUp, readCategories } from '../categories.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Estimator, toNumber, toNumbers } from '../estimator.js';
import { densify, type Features, type SparseMatrix } from '../features.js';
import { isLegacyOneHot, legacyOneHot, legacyOneHotSize } from './legacy-one-hot.js';

/** Results wider than this stay pairs, so that what multiplies them reads one row of weights a column. */
const widestDense = 256;
const dropped = -1;
const unknown = -2;

/**
 * [batch, n] of categories → transform [batch, Σ categories]: 1 at each column's category.
 *
 * The codes of what is dropped, infrequent or unknown are settled while converting: at run time each column is one
 * look-up.
 */
export const oneHotEncoder: EstimatorConverter = {
  className: 'sklearn.preprocessing._encoders.OneHotEncoder',
  parameters: [
    // Until 0.21: `n_values`, `categorical_features`; since 1.2 `sparse` is `sparse_output`.
    ...['categories', 'drop', 'sparse', 'sparse_output', 'dtype', 'handle_unknown', 'min_frequency', 'max_categories'],
    ...['feature_name_combiner', 'n_values', 'categorical_features'],
  ],
  input(estimator) {
    if (isLegacyOneHot(estimator)) return tableOf(estimator, legacyOneHotSize(estimator));
    estimator.checkFitted('categories_');
    return tableOf(estimator, estimator.list('categories_').length);
  },
  convert: (call) => ({
    transform: () => (isLegacyOneHot(call.estimator) ? legacyOneHot(call) : oneHot(call)),
  }),
};

function oneHot(call: Call): Features {
  const { estimator, graph } = call;
  const categories = readCategories(estimator);
  const columns = call.columns(categories.length);
  const plan = planColumns(estimator, categories);
  const strict = estimator.choice('handle_unknown', ['error', 'ignore', 'infrequent_if_exist', 'warn']) === 'error';
  let size = 0;
  const codes = columns.map((column, i): Value => {
    const { codes: own, width, otherwise } = plan[i]!;
    const start = size;
    size += width;
    const shift = (code: number) => (code < 0 ? code : code + start);
    return lookUp(call, column, categories[i]!, own.map(shift), {
      dtype: 'int64',
      otherwise: strict ? unknown : shift(otherwise),
      takesMissing: estimator.since([0, 24]),
    });
  });
  if (size === 0) return estimator.refuse('it drops every category, so nothing is left');
  const int64 = (value: number) =>
    graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(value)) }, 'code');
  if (strict) guardUnknown(call, columns, codes, int64(unknown));
  const all = codes.length === 1 ? codes[0]! : call.node('Concat', codes, { axis: 1 });
  const pairs = pairsOf(call, all, size);
  return size > widestDense ? pairs : densify(graph, pairs);
}

/** Column indices, negative for none, as pairs of index and 1. */
export function pairsOf(call: Call, codes: Value, size: number): SparseMatrix {
  const zero = call.graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(0n) }, 'code');
  const present = call.node('GreaterOrEqual', [codes, zero]);
  return {
    kind: 'sparse',
    indices: call.node('Max', [codes, zero]),
    values: call.node('Cast', [present], { to: 11 }),
    size,
    finite: true,
  };
}

interface ColumnPlan {
  /** Of each category its place among the columns that it makes, negative when it is dropped. */
  readonly codes: readonly number[];
  readonly width: number;
  /** Place of what is no category. */
  readonly otherwise: number;
}

function planColumns(estimator: Estimator, categories: readonly Categories[]): ColumnPlan[] {
  const drops = readDrops(estimator, categories.length);
  const mappings = readInfrequent(estimator, categories);
  const handle = estimator.text('handle_unknown');
  // 1.6 and 1.7 meant to, and left the columns of what they warned about zero.
  const joins = handle === 'infrequent_if_exist' || (handle === 'warn' && estimator.since([1, 8]));
  return categories.map(({ keys }, i) => {
    const mapping = mappings[i];
    const drop = drops[i];
    const count = mapping === undefined ? keys.length : mapping.infrequent + 1;
    if (drop !== undefined && drop >= count) return estimator.refuse('it drops a category that is not there');
    const afterDrop = (code: number) => (drop === undefined || code < drop ? code : code === drop ? dropped : code - 1);
    const codes = keys.map((_, k) => afterDrop(mapping === undefined ? k : mapping.codes[k]!));
    const otherwise = mapping !== undefined && joins ? afterDrop(mapping.infrequent) : dropped;
    return { codes, width: count - (drop === undefined ? 0 : 1), otherwise };
  });
}

/** Index of the category to drop, after infrequent ones were grouped; the attribute has two names since 1.1.3. */
function readDrops(estimator: Estimator, count: number): (number | undefined)[] {
  const name = estimator.get('_drop_idx_after_grouping') === undefined ? 'drop_idx_' : '_drop_idx_after_grouping';
  if (!estimator.has(name)) return new Array<undefined>(count).fill(undefined);
  const drops = estimator.list(name).map((item) => {
    if (item === null) return undefined;
    const index = toNumber(item);
    return index !== undefined && Number.isInteger(index) && index >= 0 ? index : estimator.refuse(`${name} is odd`);
  });
  if (drops.length !== count) estimator.refuse(`${name} has ${drops.length} values for ${count} features`);
  return drops;
}

export interface InfrequentMapping {
  /** Code of each category. */
  readonly codes: Float64Array;
  /** Code that all infrequent categories share: the last. */
  readonly infrequent: number;
}

/** What `min_frequency` and `max_categories` grouped together; `undefined` for a column where nothing was. */
export function readInfrequent(
  estimator: Estimator,
  categories: readonly Categories[],
  ignored: (column: number) => number = () => 0,
): (InfrequentMapping | undefined)[] {
  const enabled = estimator.boolean('_infrequent_enabled', false);
  if (!enabled) return categories.map(() => undefined);
  const mappings = estimator.list('_default_to_infrequent_mappings');
  return categories.map(({ keys }, i) => {
    const mapping: PythonValue | undefined = mappings[i];
    if (mapping === null) return undefined;
    const codes = toNumbers(mapping)?.data;
    const length = keys.length - ignored(i);
    if (codes?.length !== length || length === 0) estimator.refuse('its infrequent categories are damaged');
    const infrequent = codes.reduce((high, code) => Math.max(high, code), 0);
    if (!codes.every((code) => Number.isInteger(code) && code >= 0 && code < keys.length)) {
      estimator.refuse('its infrequent categories are damaged');
    }
    return { codes, infrequent };
  });
}
