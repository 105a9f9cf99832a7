import { missingTexts } from '../../../signature.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { type Categories, guardUnknown, lookUp, readCategories } from '../categories.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Features, matrix } from '../features.js';
import { readInfrequent } from './one-hot-encoder.js';

/** [batch, n] of categories → transform [batch, n]: the place of each category among those of its column. */
export const ordinalEncoder: EstimatorConverter = {
  className: 'sklearn.preprocessing._encoders.OrdinalEncoder',
  parameters: [
    ...['categories', 'dtype', 'handle_unknown', 'unknown_value', 'encoded_missing_value', 'min_frequency'],
    ...['max_categories'],
  ],
  input(estimator) {
    estimator.checkFitted('categories_');
    return tableOf(estimator, estimator.list('categories_').length);
  },
  convert: (call) => ({ transform: () => ordinals(call) }),
};

function ordinals(call: Call): Features {
  const { estimator } = call;
  const categories = readCategories(estimator);
  const columns = call.columns(categories.length);
  const strict = estimator.choice('handle_unknown', ['error', 'use_encoded_value'], 'error') === 'error';
  const missingIndices = categories.map((own) => missingIndex(call, own));
  const mappings = readInfrequent(estimator, categories, (i) => (missingIndices[i] === undefined ? 0 : 1));
  const forMissing = estimator.number('encoded_missing_value', Number.NaN);
  const values = categories.map(({ keys }, i) =>
    keys.map((_, k) => (k === missingIndices[i] ? forMissing : (mappings[i]?.codes[k] ?? k))),
  );
  // A number that no category has, so that the guard tells them apart.
  const absent = Math.min(0, ...values.flat().filter(Number.isFinite)) - 1;
  const otherwise = strict ? absent : estimator.number('unknown_value');
  const codes = columns.map(
    (column, i): Value =>
      lookUp(call, column, categories[i]!, values[i]!, {
        dtype: 'float64',
        otherwise,
        takesMissing: estimator.since([0, 24]),
      }),
  );
  if (strict) guardUnknown(call, columns, codes, call.scalar(absent));
  const value = codes.length === 1 ? codes[0]! : call.node('Concat', codes, { axis: 1 });
  const finite = Number.isFinite(otherwise) && values.every((own) => own.every(Number.isFinite));
  return matrix(value, codes.length, finite);
}

/** Since 1.0 the category `nan`, not `None`, is encoded as `encoded_missing_value`. */
function missingIndex({ estimator }: Call, { keys, missing }: Categories): number | undefined {
  if (missing !== 'NaN' || !estimator.since([1, 0])) return undefined;
  return keys.findIndex((key) => Number.isNaN(key) || key === missingTexts.NaN);
}
