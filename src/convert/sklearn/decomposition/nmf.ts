import type { GraphBuilder, Value } from '../../graph-builder.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { matrix, multiply } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';
import { nonNegative } from './non-negative.js';
import { checkComponents, componentsInput, readIterations } from './projection.js';

/**
 * [batch, n] → transform [batch, components]: the non-negative weights W that make W · `components_` nearest to the
 * rows, by coordinate descent from 0. It stops when the rows of a request together are as near as `tol` asks, so
 * requests are kept whole.
 */
export const nmf: EstimatorConverter = {
  className: 'sklearn.decomposition._nmf.NMF',
  // `alpha` and `regularization` became `alpha_W` and `alpha_H` from 1.0 to 1.2.
  parameters: [
    ...['n_components', 'init', 'solver', 'beta_loss', 'tol', 'max_iter', 'random_state', 'alpha', 'alpha_W'],
    ...['alpha_H', 'l1_ratio', 'verbose', 'shuffle', 'regularization'],
  ],
  input: componentsInput,
  convert(call) {
    const { estimator, graph } = call;
    if (estimator.text('solver', 'cd') !== 'cd') {
      estimator.refuse('solver is "mu", whose start depends on the mean of the whole batch; known is cd');
    }
    if (estimator.boolean('shuffle', false)) estimator.refuse('shuffle is True, which makes its results random');
    const { data, rows: count, columns: size } = estimator.matrix('components_');
    checkComponents(estimator, count, size);
    const [l1, l2] = readRegularisation(estimator, size);
    const products = new Float64Array(count * count);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) {
        let sum = i === j ? l2 : 0;
        for (let k = 0; k < size; k++) sum += data[i * size + k]! * data[j * size + k]!;
        products[i * count + j] = sum;
      }
    }
    return {
      transform() {
        call.context.dependOnRequest();
        const crossed = multiply(graph, nonNegative(call, size), transposed(data, count, size), count);
        const target = call.node('Sub', [crossed, call.scalar(l1)]);
        const start = call.node('Mul', [crossed, call.scalar(0)]);
        const hessian = call.floats(products, [count, count]);
        const tolerance = estimator.number('tol');
        const body = graph.subgraph('descent', (g) => {
          const iteration = g.input({ name: 'iteration', dtype: 'int64', shape: [] });
          g.input({ name: 'going', dtype: 'bool', shape: [] });
          const weights = g.parameter('weights', 'float64');
          const first = g.parameter('first', 'float64');
          const [next, violation] = sweep(g, weights, target, hessian, count);
          const isFirst = g.node('Equal', [
            iteration,
            g.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(0n) }),
          ]);
          const initial = g.node('Where', [isFirst, violation, first]);
          const above = g.node('Greater', [g.node('Div', [violation, initial]), g.scalar(tolerance, 'float64')]);
          const going = g.node('And', [above, g.node('Greater', [initial, g.scalar(0, 'float64')])]);
          g.result(going, 'bool');
          g.result(next, 'float64');
          g.result(initial, 'float64');
        });
        const iterations = BigInt64Array.of(readIterations(estimator, 'max_iter'));
        const trips = graph.constant({ dtype: 'int64', shape: [], data: iterations }, 'trips');
        const inputs = [trips, '', start, call.scalar(0)];
        return matrix(graph.multi('Loop', inputs, { body }, { outputs: 2 })[0]!, count, true);
      },
    };
  },
};

/** Every coordinate once, each from what the ones before it became: the weights, and the sum of the gradients left. */
function sweep(graph: GraphBuilder, start: Value, target: Value, hessian: Value, count: number): [Value, Value] {
  const zero = graph.scalar(0, 'float64');
  const trips = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(count)) }, 'trips');
  const positions = graph.constant(
    { dtype: 'int64', shape: [count], data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)) },
    'positions',
  );
  const body = graph.subgraph('coordinate', (g) => {
    const t = g.input({ name: 't', dtype: 'int64', shape: [] });
    g.input({ name: 'going', dtype: 'bool', shape: [] });
    const weights = g.parameter('weights', 'float64');
    const violation = g.parameter('violation', 'float64');
    const column = g.node('Unsqueeze', [t, g.int64s([0])]);
    const take = (value: Value) => g.node('Gather', [value, column], { axis: 1 });
    const own = take(weights);
    const curvature = take(hessian);
    const gradient = g.node('Sub', [g.node('MatMul', [weights, curvature]), take(target)]);
    const second = g.node('Gather', [g.node('Squeeze', [curvature, g.int64s([1])]), t], { axis: 0 });
    const projected = g.node('Where', [g.node('Equal', [own, zero]), g.node('Min', [gradient, zero]), gradient]);
    const sum = g.node('ReduceSum', [g.node('Abs', [projected])], { keepdims: 0 });
    const isFlat = g.node('Equal', [second, zero]);
    const safe = g.node('Where', [isFlat, g.scalar(1, 'float64'), second]);
    const moved = g.node('Max', [g.node('Sub', [own, g.node('Div', [gradient, safe])]), zero]);
    const changed = g.node('And', [g.node('Equal', [positions, t]), g.node('Not', [isFlat])]);
    g.result(g.constant({ dtype: 'bool', shape: [], data: Uint8Array.of(1) }, 'yes'), 'bool');
    g.result(g.node('Where', [changed, moved, weights]), 'float64');
    g.result(g.node('Add', [violation, sum]), 'float64');
  });
  const [weights, violation] = graph.multi('Loop', [trips, '', start, zero], { body }, { outputs: 2 });
  return [weights!, violation!];
}

/** The penalties on the sum of the weights, and on half the sum of their squares. */
function readRegularisation(estimator: Estimator, size: number): readonly [l1: number, l2: number] {
  const ratio = estimator.number('l1_ratio', 0);
  const split = (alpha: number) => [alpha * ratio, alpha * (1 - ratio)] as const;
  const isNew = estimator.get('alpha_W') !== undefined;
  // 1.0 and 1.1 have both kinds; the old one counts where the new one is as it comes.
  const old = estimator.get('alpha');
  const newKindCounts = isNew && (estimator.number('alpha_W') !== 0 || estimator.get('alpha_H') !== 'same');
  if (newKindCounts || (isNew && typeof old !== 'number' && typeof old !== 'bigint')) {
    return split(size * estimator.number('alpha_W'));
  }
  if (old === undefined) return [0, 0];
  const regularised = estimator.get('regularization') ?? 'both';
  return regularised !== 'components' ? split(estimator.number('alpha')) : [0, 0];
}
