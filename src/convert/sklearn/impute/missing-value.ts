import { missingTexts } from '../../../signature.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { type Estimator, toNumber, unwrap } from '../estimator.js';
import type { Column } from '../features.js';

/** What an imputer takes for missing: `nan`, `None`, or a value that stands for it. */
export type MissingValue =
  | { readonly kind: 'NaN' | 'None' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string };

export function readMissingValue(estimator: Estimator): MissingValue {
  const value = unwrap(estimator.get('missing_values'));
  if (value === null) return { kind: 'None' };
  // `Imputer`, until 0.21, called it so; SimpleImputer takes the text as a text.
  if (value === 'NaN' && estimator.name === 'Imputer') return { kind: 'NaN' };
  if (typeof value === 'string') return { kind: 'text', value };
  const number = value === undefined ? undefined : toNumber(value);
  if (number === undefined) return estimator.refuse('missing_values should be a number, a text, nan or None');
  return Number.isNaN(number) ? { kind: 'NaN' } : { kind: 'number', value: number };
}

export const isNull = ({ kind }: MissingValue) => kind === 'NaN' || kind === 'None';

/** bool, shape for shape: where numbers are missing. `None` among numbers arrives as NaN. */
export function missingNumbers(call: Call, x: Value, missing: MissingValue): Value {
  if (missing.kind === 'text') return call.estimator.refuse('a text stands for a missing value among numbers');
  return missing.kind === 'number' ? call.node('Equal', [x, call.scalar(missing.value)]) : call.node('IsNaN', [x]);
}

/** A column of texts [batch, 1], and where they are missing. */
export function readTexts(call: Call, column: Column, missing: MissingValue): { value: Value; isMissing: Value } {
  if (missing.kind === 'number')
    return call.estimator.refuse(`a number stands for a missing value in ${column.name}, which is text`);
  const mark = missing.kind === 'text' ? missing.value : missingTexts[missing.kind];
  const value = call.column(column, 'text', missing.kind === 'text' ? {} : { missing: missing.kind });
  const constant = call.graph.constant({ dtype: 'string', shape: [1], data: [mark] }, 'mark');
  return { value, isMissing: call.node('Equal', [value, constant]) };
}
