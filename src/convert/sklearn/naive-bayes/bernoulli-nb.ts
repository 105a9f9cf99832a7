import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { densify, type Matrix, multiply, type SparseMatrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';
import { bayesClassifier, countingInput, countingParameters } from './bayes.js';

/**
 * [batch, n] → `Σ log p` of the features that are there and `Σ log(1 - p)` of those that are not, and the prior, a
 * class. A feature is there where it is above `binarize`.
 */
export const bernoulliNB = bayesClassifier(
  'BernoulliNB',
  [...countingParameters, 'binarize'],
  countingInput,
  (call, classes) => {
    const { estimator } = call;
    const { data, columns } = estimator.matrix('feature_log_prob_', classes);
    const absent = data.map((value) => Math.log(1 - Math.exp(value)));
    const weights = data.map((value, i) => value - absent[i]!);
    const constants = estimator
      .vector('class_log_prior_', classes)
      .map(
        (prior, i) => prior + absent.subarray(i * columns, (i + 1) * columns).reduce((sum, value) => sum + value, 0),
      );
    const product = multiply(call.graph, presence(call, columns), transposed(weights, classes, columns), classes);
    return call.node('Add', [product, call.floats(constants)]);
  },
);

function presence(call: Call, size: number): Matrix | SparseMatrix {
  const { estimator } = call;
  const x = call.numbers(size);
  if (!estimator.has('binarize')) return x;
  const threshold = estimator.number('binarize');
  const above = (value: Value) =>
    call.node('Cast', [call.node('Greater', [value, call.scalar(threshold)])], { to: 11 });
  if (x.kind === 'matrix') return { ...x, value: above(x.value) };
  // scikit-learn raises too: what is not in a sparse matrix would be there.
  if (threshold < 0) estimator.refuse(`binarize is ${threshold}, and its input is sparse`);
  const dense = densify(call.graph, x);
  return { ...dense, value: above(dense.value) };
}
