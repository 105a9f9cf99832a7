import type { PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { centreDistances, clusterOutput, nearestCentre } from './centres.js';

/** [batch, n] → predict [batch]: down the tree of splits, each time to the nearer of two centres; transform: distances. */
export const bisectingKMeans: EstimatorConverter = {
  className: 'sklearn.cluster._bisect_k_means.BisectingKMeans',
  parameters: [
    ...['n_clusters', 'init', 'n_init', 'random_state', 'max_iter', 'verbose', 'tol', 'copy_x', 'algorithm'],
    'bisecting_strategy',
  ],
  input: matrixInput('cluster_centers_'),
  convert(call) {
    const { estimator } = call;
    return {
      predict() {
        const tree = estimator.partOf(estimator.get('_bisecting_tree'));
        const { rows, columns } = estimator.matrix('cluster_centers_');
        const mean = estimator.has('_X_mean') ? estimator.vector('_X_mean', columns) : undefined;
        return clusterOutput(descend(call, tree, columns, mean, { left: 2 * rows }));
      },
      transform: () => centreDistances(call, estimator.matrix('cluster_centers_')),
    };
  },
};

function descend(
  call: Call,
  node: Estimator,
  columns: number,
  mean: Float64Array | undefined,
  nodes: { left: number },
): Value {
  // A tree of n clusters has 2n - 1 nodes; a file can make one that meets itself again.
  if (--nodes.left < 0) call.estimator.refuse('its tree has more nodes than its clusters need');
  if (!node.has('left')) {
    const label = BigInt64Array.of(BigInt(node.integer('label')));
    return call.graph.constant({ dtype: 'int64', shape: [1], data: label }, 'label');
  }
  const sides = ['left', 'right'].map((side) => node.partOf(node.get(side) as PythonValue));
  const data = new Float64Array(2 * columns);
  for (const [i, side] of sides.entries()) {
    data.set(
      side.vector('center', columns).map((value, j) => value + (mean?.[j] ?? 0)),
      i * columns,
    );
  }
  const goesRight = call.node('Cast', [nearestCentre(call, { data, rows: 2, columns })], { to: 9 });
  const [left, right] = sides.map((side) => descend(call, side, columns, mean, nodes));
  return call.node('Where', [goesRight, right!, left!]);
}
