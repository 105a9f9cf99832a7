import type { Call } from '../call.js';
import type { EstimatorConverter } from '../converter.js';
import type { Features } from '../features.js';
import { readLabelClasses } from './label-encoder.js';

/** [batch] of lists of labels → transform [batch, classes]: 1 for each class that the list has. */
export const multiLabelBinarizer: EstimatorConverter = {
  className: 'sklearn.preprocessing._label.MultiLabelBinarizer',
  parameters: ['classes', 'sparse_output'],
  input: () => ({ kind: 'json', json: 'list' }),
  convert: (call) => ({ transform: () => binarised(call) }),
};

function binarised(call: Call): Features {
  const { keys } = readLabelClasses(call.estimator);
  if (call.input.kind !== 'documents')
    return call.estimator.refuse('it takes lists of labels, and its input is a table');
  return call.context.featurize('label-sets', call.input.input, { classes: keys }, keys.length);
}
