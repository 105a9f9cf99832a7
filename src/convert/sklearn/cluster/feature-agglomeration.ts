import { PythonGlobal } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { matrix } from '../features.js';

/** [batch, features of one cluster] → [batch, 1] */
type Pooling = (call: Call, features: Value, count: number) => Value;

const reduced =
  (operator: Parameters<Call['reduce']>[0]): Pooling =>
  (call, features) =>
    call.reduce(operator, features, 1, true);

const poolings: Readonly<Record<string, Pooling>> = {
  mean: reduced('ReduceMean'),
  median,
  sum: reduced('ReduceSum'),
  max: reduced('ReduceMax'),
  amax: reduced('ReduceMax'),
  min: reduced('ReduceMin'),
  amin: reduced('ReduceMin'),
};

/** [batch, n] → transform [batch, clusters]: the features of each cluster as one, by default their mean. */
export const featureAgglomeration: EstimatorConverter = {
  className: 'sklearn.cluster._agglomerative.FeatureAgglomeration',
  parameters: [
    ...['n_clusters', 'affinity', 'metric', 'memory', 'connectivity', 'compute_full_tree', 'linkage', 'pooling_func'],
    ...['distance_threshold', 'compute_distances'],
  ],
  input(estimator) {
    estimator.checkFitted('labels_');
    return tableOf(estimator, estimator.numbers('labels_').data.length);
  },
  convert(call) {
    const { estimator } = call;
    const { data: labels } = estimator.numbers('labels_');
    const pooling = readPooling(estimator);
    return { transform: () => matrix(pooled(call, labels, pooling), new Set(labels).size, true) };
  },
};

/** Clusters in the order of their numbers. */
function pooled(call: Call, labels: Float64Array, pooling: Pooling): Value {
  const { value } = call.matrix(labels.length);
  const clusters = [...new Set(labels)].sort((a, b) => a - b);
  const parts = clusters.map((cluster) => {
    const features = [...labels.keys()].filter((feature) => labels[feature] === cluster);
    return pooling(call, call.node('Gather', [value, call.graph.int64s(features)], { axis: 1 }), features.length);
  });
  return call.node('Concat', parts, { axis: 1 });
}

/** Of an even number the mean of the two in the middle. */
function median(call: Call, features: Value, count: number): Value {
  const upper = Math.floor(count / 2) + 1;
  const order = { axis: 1, largest: 0, sorted: 1 };
  const [smallest] = call.graph.multi('TopK', [features, call.graph.int64s([upper])], order, { outputs: 2 });
  const middle = count % 2 === 0 ? [upper - 2, upper - 1] : [upper - 1];
  return call.reduce('ReduceMean', call.node('Gather', [smallest!, call.graph.int64s(middle)], { axis: 1 }), 1, true);
}

function readPooling(estimator: Estimator): Pooling {
  const value = estimator.get('pooling_func');
  const name = value instanceof PythonGlobal && value.module === 'numpy' ? value.name : undefined;
  if (name !== undefined && Object.hasOwn(poolings, name)) return poolings[name]!;
  const what = value instanceof PythonGlobal ? value.id : 'a function of its own';
  return estimator.refuse(
    `its pooling_func is ${what}; known are ${Object.keys(poolings)
      .map((known) => `numpy.${known}`)
      .join(', ')}`,
  );
}
