import type { Value } from '../../graph-builder.js';
import { tableOf } from '../context.js';
import type { Estimator } from '../estimator.js';
import { toNumbers } from '../estimator.js';
import { gatherColumns } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';
import { bayesClassifier, countingParameters } from './bayes.js';

/** [batch, n] of category numbers → `Σ log p` of the categories, and the prior, a class. A category not seen is refused. */
export const categoricalNB = bayesClassifier(
  'CategoricalNB',
  [...countingParameters, 'min_categories'],
  (estimator) => {
    estimator.checkFitted('feature_log_prob_');
    return tableOf(estimator, estimator.list('feature_log_prob_').length);
  },
  (call, classes) => {
    const { estimator, graph } = call;
    const tables = readTables(estimator, classes);
    const { value } = call.matrix(tables.length);
    // scikit-learn cuts fractions off, and then raises for what is negative or above the categories of `fit`.
    const codes = call.node('Cast', [value], { to: 7 });
    const int64 = (data: readonly number[]) =>
      graph.constant({ dtype: 'int64', shape: [data.length], data: BigInt64Array.from(data, BigInt) }, 'categories');
    const [lowest, highest] = [int64([0]), int64(tables.map(({ categories }) => categories - 1))];
    const known = call.node('And', [
      call.node('GreaterOrEqual', [codes, lowest]),
      call.node('LessOrEqual', [codes, highest]),
    ]);
    const unknown = call.reduce('ReduceMax', call.node('Cast', [call.node('Not', [known])], { to: 6 }));
    call.guard(
      call.node('Equal', [unknown, graph.constant({ dtype: 'int32', shape: [], data: Int32Array.of(0) })]),
      'a category that CategoricalNB has not seen in training, or a negative one',
    );
    const safe = call.node('Min', [call.node('Max', [codes, lowest]), highest]);
    const sum = tables.reduce<Value | undefined>((total, { data, categories }, i) => {
      const index = call.node('Squeeze', [gatherColumns(graph, safe, tables.length, [i]), graph.int64s([1])]);
      const table = call.floats(transposed(data, classes, categories), [categories, classes], 'log_probabilities');
      const part = call.node('Gather', [table, index]);
      return total === undefined ? part : call.node('Add', [total, part]);
    }, undefined);
    return call.node('Add', [sum!, call.floats(estimator.vector('class_log_prior_', classes))]);
  },
);

/** One table [classes, categories] a feature. */
function readTables(estimator: Estimator, classes: number): { data: Float64Array; categories: number }[] {
  return estimator.list('feature_log_prob_').map((item) => {
    const numbers = toNumbers(item);
    const [rows, categories = 0] = numbers?.shape ?? [];
    if (numbers === undefined || numbers.shape.length !== 2 || rows !== classes || categories === 0) {
      estimator.refuse('feature_log_prob_ should be one matrix a feature, with one row a class');
    }
    return { data: numbers.data, categories };
  });
}
