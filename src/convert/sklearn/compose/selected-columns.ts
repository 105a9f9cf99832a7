import { PythonDict, PythonObject, PythonTuple, type PythonValue } from '../../../formats/pickle/index.js';
import { checkWidth } from '../context.js';
import { type Estimator, listOf, toNumber, unwrap } from '../estimator.js';

/** Columns that a transformer of a ColumnTransformer takes. */
export interface Selection {
  readonly indices: readonly number[];
  /** One column, named without a list: it arrives as one value a row, which is what vectorizers of text take. */
  readonly isScalar: boolean;
}

/**
 * Names of the columns of the data frame, `undefined` when it was fitted on an array: `feature_names_in_` since 1.0,
 * before that `_feature_names_in` or the frame's own `_df_columns`.
 */
export function readColumnNames(estimator: Estimator): readonly string[] | undefined {
  return columnNamesOf((attribute) => estimator.get(attribute));
}

/** As `readColumnNames`, of an estimator that nobody has looked at yet. */
export function columnNamesOf(get: (attribute: string) => PythonValue | undefined): readonly string[] | undefined {
  for (const attribute of ['feature_names_in_', '_feature_names_in', '_df_columns']) {
    const names = listOf(unwrapIndex(get(attribute)));
    if (names !== undefined) return names.every((name) => typeof name === 'string') ? (names as string[]) : undefined;
  }
  return undefined;
}

/** Number of columns that it was fitted on. */
export function readColumnCount(estimator: Estimator): number {
  const names = readColumnNames(estimator);
  const count = estimator.has('n_features_in_')
    ? estimator.featureCount()
    : estimator.has('_n_features')
      ? estimator.integer('_n_features')
      : names?.length;
  if (count === undefined) return estimator.refuse('the file does not say how many columns it takes');
  if (names !== undefined && names.length !== count)
    estimator.refuse(`it has ${names.length} names for ${count} columns`);
  return checkWidth(estimator, count);
}

/** The values of a pandas Index, of a list of remaining columns; what is neither is given back. */
function unwrapIndex(value: PythonValue | undefined): PythonValue | undefined {
  if (!(value instanceof PythonObject)) return value;
  // UserList of 1.5 to 1.7.
  if (value.global.name === '_RemainderColsList' && value.state instanceof PythonDict) return value.state.get('data');
  const [, content] = value.args;
  if (value.global.name === '_new_Index' && content instanceof PythonDict) return unwrapIndex(content.get('data'));
  // Texts of pandas 3: (type, array, …).
  if (value.global.name === 'StringArray' && value.state instanceof PythonTuple) return value.state.items[1];
  return value;
}

/** @throws estimator-unsupported for what selects no columns, or columns that are not there */
export function readSelection(
  estimator: Estimator,
  selector: PythonValue | undefined,
  names: readonly string[] | undefined,
  count: number,
): Selection {
  const value = unwrap(unwrapIndex(selector));
  if (typeof value === 'string' || typeof value === 'bigint') {
    return { indices: [placeOf(estimator, value, names, count)], isScalar: true };
  }
  if (value instanceof PythonObject && value.global.id === 'builtins.slice') {
    return { indices: sliced(estimator, value.args, names, count), isScalar: false };
  }
  const items = listOf(value)?.map(unwrap);
  if (items === undefined) return estimator.refuse('it selects columns in a way that is not known here');
  if (items.length > 0 && items.every((item) => typeof item === 'boolean')) {
    if (items.length !== count) estimator.refuse(`a mask of ${items.length} selects among ${count} columns`);
    return { indices: items.flatMap((item, i) => (item ? [i] : [])), isScalar: false };
  }
  return { indices: items.map((item) => placeOf(estimator, item, names, count)), isScalar: false };
}

function placeOf(
  estimator: Estimator,
  item: PythonValue | undefined,
  names: readonly string[] | undefined,
  count: number,
): number {
  if (typeof item === 'string') {
    const place = names?.indexOf(item) ?? -1;
    if (place < 0) estimator.refuse(`it selects the column "${item.slice(0, 80)}", which it was not fitted on`);
    return place;
  }
  const index = item === undefined ? undefined : toNumber(item);
  if (index === undefined || !Number.isInteger(index) || index >= count || index < -count) {
    return estimator.refuse(`it selects a column that is not among its ${count}`);
  }
  return index < 0 ? index + count : index;
}

/** `slice(start, stop, step)` of positions, as Python cuts; of names, with the last one included. */
function sliced(
  estimator: Estimator,
  [start = null, stop = null, step = null]: readonly PythonValue[],
  names: readonly string[] | undefined,
  count: number,
): number[] {
  const stride = step === null ? 1 : (toNumber(step) ?? 0);
  if (!Number.isInteger(stride) || stride < 1) estimator.refuse('it selects columns by a slice that goes backwards');
  const bound = (value: PythonValue, fallback: number, isStop: boolean): number => {
    if (value === null) return fallback;
    if (typeof value === 'string') return placeOf(estimator, value, names, count) + (isStop ? 1 : 0);
    const index = toNumber(value);
    if (index === undefined || !Number.isInteger(index)) return estimator.refuse('it selects columns by an odd slice');
    return Math.min(count, Math.max(0, index < 0 ? index + count : index));
  };
  const from = bound(start, 0, false);
  const to = bound(stop, count, true);
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / stride)) }, (_, i) => from + i * stride);
}
