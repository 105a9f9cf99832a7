import type { Call } from '../call.js';
import { type Categories, guardUnknown, lookUp, toCategories } from '../categories.js';
import type { EstimatorConverter, InputShape } from '../converter.js';
import type { Estimator } from '../estimator.js';
import type { Features } from '../features.js';

/** [batch] of labels → transform [batch]: the place of each among the sorted classes. */
export const labelEncoder: EstimatorConverter = {
  className: 'sklearn.preprocessing._label.LabelEncoder',
  parameters: [],
  input: labelInput,
  convert: (call) => ({ transform: () => encoded(call) }),
};

export function labelInput(estimator: Estimator): InputShape {
  return { kind: 'labels', type: readLabelClasses(estimator).type };
}

export function readLabelClasses(estimator: Estimator): Categories {
  estimator.checkFitted('classes_');
  return toCategories(estimator, estimator.get('classes_'), 'classes_');
}

function encoded(call: Call): Features {
  const classes = readLabelClasses(call.estimator);
  const columns = call.columns(1);
  const places = classes.keys.map((_, i) => i);
  const code = lookUp(call, columns[0]!, classes, places, { dtype: 'float64', otherwise: -1, takesMissing: false });
  guardUnknown(call, columns, [code], call.scalar(-1));
  return { kind: 'matrix', value: code, size: 1, finite: true, isLabel: true };
}
