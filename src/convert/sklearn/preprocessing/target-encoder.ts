import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { lookUp, readCategories } from '../categories.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { toNumbers } from '../estimator.js';
import { type Features, matrix } from '../features.js';

/**
 * [batch, n] of categories → transform [batch, n], or [batch, n · classes] for several classes: what the target was on
 * average where the category was met; of new categories its mean over all.
 */
export const targetEncoder: EstimatorConverter = {
  className: 'sklearn.preprocessing._target_encoder.TargetEncoder',
  parameters: ['categories', 'target_type', 'smooth', 'cv', 'shuffle', 'random_state'],
  input(estimator) {
    estimator.checkFitted('encodings_');
    return tableOf(estimator, estimator.list('categories_').length);
  },
  convert: (call) => ({ transform: () => encoded(call) }),
};

function encoded(call: Call): Features {
  const { estimator } = call;
  const categories = readCategories(estimator);
  const columns = call.columns(categories.length);
  const isMulticlass = estimator.choice('target_type_', ['binary', 'continuous', 'multiclass']) === 'multiclass';
  const classes = isMulticlass ? estimator.labels('classes_').shape[0]! : 1;
  const means = estimator.scalarOrNumbers('target_mean_').data;
  const encodings = estimator.list('encodings_').map((item) => toNumbers(item)?.data);
  if (encodings.length !== categories.length * classes || means.length !== classes) {
    estimator.refuse('its encodings are damaged');
  }
  const values = encodings.map((encoding, i): Value => {
    const own = categories[Math.floor(i / classes)]!;
    if (encoding?.length !== own.keys.length) return estimator.refuse('its encodings are damaged');
    return lookUp(call, columns[Math.floor(i / classes)]!, own, Array.from(encoding), {
      dtype: 'float64',
      otherwise: means[i % classes]!,
      takesMissing: true,
    });
  });
  const value = values.length === 1 ? values[0]! : call.node('Concat', values, { axis: 1 });
  return matrix(value, values.length, false);
}
