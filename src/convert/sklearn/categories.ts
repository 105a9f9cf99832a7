/** Categories that an encoder learnt, and the way from a value to what stands for its category. */
import { NumpyArray, type PythonValue } from '../../formats/pickle/index.js';
import { missingTexts } from '../../signature.js';
import type { Tensor } from '../../tensor.js';
import type { Value } from '../graph-builder.js';
import type { Call } from './call.js';
import { type Estimator, listOf, toNumber, unwrap } from './estimator.js';
import type { Column } from './features.js';
import type { ColumnType } from './table.js';

/** The categories of one column, in their order. */
export interface Categories {
  readonly type: ColumnType;
  /** As the graph has them: a missing text is its mark, a missing number NaN, a boolean 0 or 1. */
  readonly keys: readonly (string | number)[];
  /** What the missing one among them was; `undefined` when none is. */
  readonly missing: 'NaN' | 'None' | undefined;
}

/** One `Categories` a column. @throws estimator-unsupported for bytes, objects, and texts mixed with numbers */
export function readCategories(estimator: Estimator, name = 'categories_'): readonly Categories[] {
  return estimator.list(name).map((item) => toCategories(estimator, item, name));
}

/** @throws as `readCategories` */
export function toCategories(estimator: Estimator, value: PythonValue | undefined, name: string): Categories {
  const refuse = (why: string) => estimator.refuse(`${name} ${why}`);
  if (value instanceof NumpyArray && value.shape.length !== 1) refuse('should be vectors');
  const items = (listOf(value) ?? refuse('should be lists')).map(unwrap);
  const present = items.filter((item) => !isMissing(item));
  const missing = present.length === items.length ? undefined : items.includes(null) ? 'None' : 'NaN';
  if (items.length - present.length > 1) refuse('has both None and nan, which JSON cannot tell apart');
  const isText = present.length > 0 && present.every((item) => typeof item === 'string');
  const isBoolean = present.length === items.length && present.every((item) => typeof item === 'boolean');
  const keys = items.map((item): string | number => {
    if (isMissing(item)) return isText ? missingTexts[missing!] : Number.NaN;
    if (isText) return item as string;
    const number = typeof item === 'boolean' ? Number(item) : toNumber(item ?? null);
    return number ?? refuse('should be texts, numbers or booleans, one type a column');
  });
  if (new Set(keys).size !== keys.length) refuse('has a category twice');
  return { type: isText ? 'text' : isBoolean ? 'boolean' : 'number', keys, missing };
}

const isMissing = (item: PythonValue | undefined) => item === null || Number.isNaN(item);

export interface LookUpOptions {
  readonly dtype: 'int64' | 'float64';
  /** What a value stands for that is no category. */
  readonly otherwise: number;
  /** A missing value is taken, also where it is no category. */
  readonly takesMissing: boolean;
}

/** [batch, 1]: `values[i]` where the column holds category i, `otherwise` where it holds none. */
export function lookUp(
  call: Call,
  column: Column,
  { type, keys, missing }: Categories,
  values: readonly number[],
  { dtype, otherwise, takesMissing }: LookUpOptions,
): Value {
  const input = call.column(column, type, { missing: missing ?? (takesMissing ? 'NaN' : undefined) });
  const target = (list: readonly number[]): Tensor => ({
    dtype,
    shape: [list.length],
    data: dtype === 'int64' ? BigInt64Array.from(list, BigInt) : Float64Array.from(list),
  });
  const source: Tensor =
    type === 'text'
      ? { dtype: 'string', shape: [keys.length], data: [...(keys as string[])] }
      : { dtype: 'float64', shape: [keys.length], data: Float64Array.from(keys as number[]) };
  return call.graph.node(
    'LabelEncoder',
    [input],
    { keys_tensor: source, values_tensor: target(values), default_tensor: target([otherwise]) },
    { domain: 'ai.onnx.ml', name: 'category' },
  );
}

/** Refuses rows with a value that is no category: `codes` of every column, where such a value was given `unknown`. */
export function guardUnknown(call: Call, columns: readonly Column[], codes: readonly Value[], unknown: Value): void {
  if (codes.length === 0) return;
  const all = codes.length === 1 ? codes[0]! : call.node('Concat', codes, { axis: 1 });
  const hits = call.node('Cast', [call.node('Equal', [all, unknown])], { to: 6 });
  const none = call.node('Equal', [
    call.reduce('ReduceMax', hits),
    call.graph.constant({ dtype: 'int32', shape: [], data: Int32Array.of(0) }),
  ]);
  const names = columns
    .slice(0, 20)
    .map(({ name }) => name)
    .join(', ');
  call.guard(none, `a value is none of the categories that ${call.estimator.name} was fitted on (columns ${names})`);
}
