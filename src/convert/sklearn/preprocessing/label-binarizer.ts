import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { lookUp } from '../categories.js';
import type { EstimatorConverter } from '../converter.js';
import { type Features, matrix } from '../features.js';
import { labelInput, readLabelClasses } from './label-encoder.js';

/**
 * [batch] of labels → transform [batch, classes]: `pos_label` in the column of the class, `neg_label` elsewhere; a label
 * that is no class has no column. Of two classes only the second has one, unless more than two labels come together:
 * the result depends on the whole request then, as in scikit-learn.
 */
export const labelBinarizer: EstimatorConverter = {
  className: 'sklearn.preprocessing._label.LabelBinarizer',
  parameters: ['neg_label', 'pos_label', 'sparse_output'],
  input: labelInput,
  convert: (call) => ({ transform: () => binarised(call) }),
};

function binarised(call: Call): Features {
  const { estimator, graph } = call;
  const kind = estimator.text('y_type_', 'binary');
  if (kind.startsWith('multilabel')) estimator.refuse('it was fitted on several labels a row, which pass unchanged');
  const classes = readLabelClasses(estimator);
  const [column] = call.columns(1);
  const count = classes.keys.length;
  const places = classes.keys.map((_, i) => i);
  const code = lookUp(call, column!, classes, places, { dtype: 'float64', otherwise: -1, takesMissing: false });
  const hits = call.node('Equal', [code, call.floats(places)]);
  const [yes, no] = [call.scalar(estimator.number('pos_label')), call.scalar(estimator.number('neg_label'))];
  if (count > 2) return matrix(call.node('Where', [hits, yes, no]), count, true);
  call.context.dependOnRequest();
  const isMany = call.node('Greater', [distinct(call, call.column(column!, classes.type)), call.scalar(2)]);
  // One class is met by nobody as long as the labels look like two.
  if (count === 1) return matrix(call.node('Where', [call.node('And', [hits, isMany]), yes, no]), 1, true);
  const from = call.node('Where', [isMany, graph.int64s([0]), graph.int64s([1])]);
  const kept = call.node('Slice', [call.node('Where', [hits, yes, no]), from, graph.int64s([2]), graph.int64s([1])]);
  return matrix(kept, Number.NaN, true);
}

/** How many different values there are, float64. */
function distinct(call: Call, values: Value): Value {
  const unique = call.node('Unique', [values]);
  return call.node('Cast', [call.node('Size', [unique])], { to: 11 });
}
