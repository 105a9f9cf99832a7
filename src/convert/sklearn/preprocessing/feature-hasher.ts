import { mostBuckets } from '../../../featurizers/text/index.js';
import { PythonGlobal } from '../../../formats/pickle/index.js';
import type { Call } from '../call.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import type { Features } from '../features.js';

/** [batch] of features by name → transform [batch, n_features]: each added to the bucket that its hash names. */
export const featureHasher: EstimatorConverter = {
  className: 'sklearn.feature_extraction._hash.FeatureHasher',
  // `non_negative` went with 0.21.
  parameters: ['n_features', 'input_type', 'dtype', 'alternate_sign', 'non_negative'],
  input: (estimator) => ({ kind: 'json', json: typeOf(estimator) === 'dict' ? 'object' : 'list' }),
  convert: (call) => ({ transform: () => hashed(call) }),
};

const typeOf = (estimator: Estimator) => estimator.choice('input_type', ['dict', 'pair', 'string']);

function hashed(call: Call): Features {
  const { estimator, input } = call;
  if (input.kind !== 'documents') return estimator.refuse('it takes features by name, and its input is a table');
  const dtype = estimator.get('dtype');
  const isFloat64 = dtype instanceof PythonGlobal && ['numpy.float64', 'builtins.float'].includes(dtype.id);
  if (!isFloat64) estimator.refuse('its dtype is not float64');
  if (estimator.boolean('non_negative', false)) estimator.refuse('non_negative is True, which is not known here');
  const buckets = estimator.integer('n_features');
  if (buckets < 1 || buckets > mostBuckets) estimator.refuse(`n_features is ${buckets}; at most ${mostBuckets} are`);
  const parameters = { buckets, alternateSign: estimator.boolean('alternate_sign', true), type: typeOf(estimator) };
  return call.context.featurize('hashed-features', input.input, parameters, buckets);
}
