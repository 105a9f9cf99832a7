import type { GraphBuilder, Value } from '../../graph-builder.js';
import type { EstimatorConverter } from '../converter.js';
import { matrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';
import { nonNegative } from './non-negative.js';
import { componentsInput, readIterations } from './projection.js';

/**
 * Counts [batch, n] → transform [batch, topics]: the share of each topic in each row, by the updates of
 * `_update_doc_distribution` of sklearn.decomposition, each row until its own mean change is below the tolerance.
 */
export const latentDirichletAllocation: EstimatorConverter = {
  className: 'sklearn.decomposition._lda.LatentDirichletAllocation',
  parameters: [
    ...['n_components', 'n_topics', 'doc_topic_prior', 'topic_word_prior', 'learning_method', 'learning_decay'],
    ...['learning_offset', 'max_iter', 'batch_size', 'evaluate_every', 'total_samples', 'perp_tol', 'mean_change_tol'],
    ...['max_doc_update_iter', 'n_jobs', 'verbose', 'random_state'],
  ],
  input: componentsInput,
  convert(call) {
    const { estimator, graph } = call;
    const { rows: topics, columns: size } = estimator.matrix('components_');
    const { data: likelihood } = estimator.matrix('exp_dirichlet_component_', topics, size);
    const prior = estimator.number('doc_topic_prior_');
    const tolerance = estimator.number('mean_change_tol');
    return {
      transform() {
        const counts = nonNegative(call, size);
        const byWord = call.floats(transposed(likelihood, topics, size), [size, topics]);
        // [batch, words, topics] for pairs, [size, topics] for all words.
        const words = counts.kind === 'sparse' ? call.node('Gather', [byWord, counts.indices]) : byWord;
        const amounts = counts.kind === 'sparse' ? counts.values : counts.value;
        const isSparse = counts.kind === 'sparse';
        const batch = call.node('Shape', [amounts], { end: 1 });
        const shape = call.node('Concat', [batch, graph.int64s([topics])], { axis: 0 });
        const ones = call.node('Expand', [call.scalar(1), shape]);
        const begin = call.node('Expand', [call.scalar(Math.exp(roughDigamma(1) - roughDigamma(topics))), shape]);
        const column = call.node('Concat', [batch, graph.int64s([1])], { axis: 0 });
        const yes = graph.constant({ dtype: 'bool', shape: [], data: Uint8Array.of(1) }, 'yes');
        const active = call.node('Expand', [yes, column]);
        const body = graph.subgraph('update', (g) => {
          g.input({ name: 'iteration', dtype: 'int64', shape: [] });
          g.input({ name: 'going', dtype: 'bool', shape: [] });
          const distribution = g.parameter('distribution', 'float64');
          const expectation = g.parameter('expectation', 'float64');
          const going = g.parameter('active', 'bool');
          const assigned = assign(g, expectation, words, amounts, isSparse);
          const next = g.node('Add', [g.node('Mul', [expectation, assigned]), g.scalar(prior, 'float64')]);
          const last = g.int64s([1]);
          const total = g.node('ReduceSum', [next, last], { keepdims: 1 });
          const logs = g.node('Sub', [digammaOf(g, next), digammaOf(g, total)]);
          const change = g.node('ReduceMean', [g.node('Abs', [g.node('Sub', [distribution, next])]), last], {
            keepdims: 1,
          });
          const still = g.node('And', [going, g.node('GreaterOrEqual', [change, g.scalar(tolerance, 'float64')])]);
          const any = g.node('ReduceMax', [g.node('Cast', [still], { to: 6 })], { keepdims: 0 });
          g.result(g.node('Cast', [any], { to: 9 }), 'bool');
          g.result(g.node('Where', [going, next, distribution]), 'float64');
          g.result(g.node('Where', [going, g.node('Exp', [logs]), expectation]), 'float64');
          g.result(still, 'bool');
        });
        const most = BigInt64Array.of(readIterations(estimator, 'max_doc_update_iter'));
        const trips = graph.constant({ dtype: 'int64', shape: [], data: most }, 'trips');
        const [result] = graph.multi('Loop', [trips, '', ones, begin, active], { body }, { outputs: 3 });
        return matrix(call.node('Div', [result!, call.reduce('ReduceSum', result!, 1, true)]), topics, true);
      },
    };
  },
};

/** Σ over the words of count / (expectation · likelihood + ε) · likelihood: [batch, topics]. */
function assign(g: GraphBuilder, expectation: Value, words: Value, amounts: Value, isSparse: boolean): Value {
  const epsilon = g.scalar(Number.EPSILON, 'float64');
  if (!isSparse) {
    const norm = g.node('Add', [
      g.node('MatMul', [expectation, g.node('Transpose', [words], { perm: [1, 0] })]),
      epsilon,
    ]);
    return g.node('MatMul', [g.node('Div', [amounts, norm]), words]);
  }
  const product = g.node('MatMul', [words, g.node('Unsqueeze', [expectation, g.int64s([2])])]);
  const norm = g.node('Add', [g.node('Squeeze', [product, g.int64s([2])]), epsilon]);
  const shares = g.node('Unsqueeze', [g.node('Div', [amounts, norm]), g.int64s([1])]);
  return g.node('Squeeze', [g.node('MatMul', [shares, words]), g.int64s([1])]);
}

const euler = 0.5772156649015329;
/** Steps of the recurrence: x is above 0, and the series is used from 6 on. */
const steps = 6;

/**
 * The digamma function as scikit-learn approximates it here.
 * Reference: Bernardo (1976), Algorithm AS 103; `psi` in sklearn/decomposition/_online_lda_fast.pyx.
 */
function roughDigamma(x: number): number {
  let result = 0;
  let at = x;
  for (; at < steps; at++) result -= 1 / at;
  const square = 1 / (at * at);
  return result + Math.log(at) - 0.5 / at - square * (1 / 12 - square * (1 / 120 - square * (1 / 252)));
}

/** The same, element by element. */
function digammaOf(g: GraphBuilder, x: Value): Value {
  const constant = (value: number) => g.scalar(value, 'float64');
  const one = constant(1);
  const zero = constant(0);
  let at = x;
  let result = zero;
  for (let i = 0; i < steps; i++) {
    const isSmall = g.node('Less', [at, constant(steps)]);
    result = g.node('Sub', [result, g.node('Where', [isSmall, g.node('Div', [one, at]), zero])]);
    at = g.node('Where', [isSmall, g.node('Add', [at, one]), at]);
  }
  const inverse = g.node('Div', [one, at]);
  const square = g.node('Mul', [inverse, inverse]);
  const inner = g.node('Sub', [constant(1 / 120), g.node('Mul', [square, constant(1 / 252)])]);
  const outer = g.node('Sub', [constant(1 / 12), g.node('Mul', [square, inner])]);
  const half = g.node('Sub', [g.node('Log', [at]), g.node('Mul', [constant(0.5), inverse])]);
  const series = g.node('Sub', [g.node('Add', [result, half]), g.node('Mul', [square, outer])]);
  const tiny = g.node('Sub', [constant(-euler), g.node('Div', [one, x])]);
  return g.node('Where', [g.node('LessOrEqual', [x, constant(1e-6)]), tiny, series]);
}
