import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Features, gatherColumns, matrix } from '../features.js';
import { isNull, missingNumbers, readMissingValue, readTexts } from './missing-value.js';

/** [batch, n] → transform [batch, features]: 1 where a value is missing, for the columns that had such in training. */
export const missingIndicator: EstimatorConverter = {
  className: 'sklearn.impute._base.MissingIndicator',
  parameters: ['missing_values', 'features', 'sparse', 'error_on_new'],
  input(estimator) {
    estimator.checkFitted('features_');
    return tableOf(estimator, estimator.integer('_n_features'));
  },
  convert: (call) => ({ transform: () => indicate(call) }),
};

function indicate(call: Call): Features {
  const { estimator, graph } = call;
  const size = estimator.integer('_n_features');
  const features = Array.from(estimator.vector('features_'));
  if (!features.every((i) => Number.isInteger(i) && i >= 0 && i < size)) estimator.refuse('features_ is damaged');
  const marks = call.node('Cast', [missingMask(call, size)], { to: 11 });
  const others = Array.from({ length: size }, (_, i) => i).filter((i) => !features.includes(i));
  const isStrict = estimator.choice('features', ['missing-only', 'all']) === 'missing-only';
  if (isStrict && others.length > 0 && estimator.boolean('error_on_new')) {
    const any = call.reduce('ReduceMax', gatherColumns(graph, marks, size, others));
    call.guard(call.node('Equal', [any, call.scalar(0)]), 'a value is missing in a column where none was in training');
  }
  return matrix(gatherColumns(graph, marks, size, features), features.length, true);
}

/** bool [batch, size]. A text for missing values means columns of texts, anything else numbers. */
function missingMask(call: Call, size: number): Value {
  const missing = readMissingValue(call.estimator);
  if (missing.kind !== 'text' && missing.kind !== 'None') {
    return missingNumbers(call, call.matrix(size, { missing: isNull(missing) }).value, missing);
  }
  const masks = call.columns(size).map((column) => readTexts(call, column, missing).isMissing);
  return masks.length === 1 ? masks[0]! : call.node('Concat', masks, { axis: 1 });
}
