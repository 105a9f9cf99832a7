import type { PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { centreDistances, centresInput, clusterOutput, nearestCentre } from './centres.js';

const deepest = 1000;

/** [batch, n] → predict [batch]: down the tree of splits, each time to the nearer of two centres; transform: distances. */
export const bisectingKMeans: EstimatorConverter = {
  className: 'sklearn.cluster._bisect_k_means.BisectingKMeans',
  parameters: [
    ...['n_clusters', 'init', 'n_init', 'random_state', 'max_iter', 'verbose', 'tol', 'copy_x', 'algorithm'],
    'bisecting_strategy',
  ],
  input: centresInput('cluster_centers_'),
  convert(call) {
    const { estimator } = call;
    return {
      predict() {
        const tree = estimator.partOf(estimator.get('_bisecting_tree'));
        const { columns } = estimator.matrix('cluster_centers_');
        const mean = estimator.has('_X_mean') ? estimator.vector('_X_mean', columns) : undefined;
        return clusterOutput(descend(call, tree, columns, mean, 0));
      },
      transform: () => centreDistances(call, estimator.matrix('cluster_centers_')),
    };
  },
};

function descend(call: Call, node: Estimator, columns: number, mean: Float64Array | undefined, depth: number): Value {
  if (depth > deepest) call.estimator.refuse(`its tree is deeper than ${deepest}`);
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
  const [left, right] = sides.map((side) => descend(call, side, columns, mean, depth + 1));
  return call.node('Where', [goesRight, right!, left!]);
}
