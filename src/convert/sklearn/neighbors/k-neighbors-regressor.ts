import type { Value } from '../../graph-builder.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { regression } from '../regression.js';
import {
  findNearest,
  inverseDistances,
  neighbourParameters,
  neighboursInput,
  readPoints,
  readWeights,
} from './nearest.js';

/** [batch, n] → predict [batch] or [batch, targets]: the mean of the nearest samples, weighed or not. */
export const kNeighborsRegressor: EstimatorConverter = {
  className: 'sklearn.neighbors._regression.KNeighborsRegressor',
  parameters: [...neighbourParameters, 'weights'],
  input: neighboursInput,
  convert(call) {
    const { estimator } = call;
    const { data, targets, single } = readValues(estimator);
    return {
      predict() {
        const nearest = findNearest(call, estimator.integer('n_neighbors'));
        const values = call.node('Gather', [call.floats(data, [data.length / targets, targets]), nearest.indices]);
        let mean: Value;
        if (readWeights(estimator) === undefined) mean = call.reduce('ReduceMean', values);
        else {
          const weights = inverseDistances(call, nearest.distances);
          const wide = call.node('Unsqueeze', [weights, call.graph.int64s([2])]);
          const sums = call.reduce('ReduceSum', call.node('Mul', [values, wide]));
          mean = call.node('Div', [sums, call.reduce('ReduceSum', weights, 1, true)]);
        }
        return regression(call, mean, targets, single);
      },
    };
  },
};

/** What the samples had: [samples, targets], row-major; `single` when it was a vector. */
export function readValues(estimator: Estimator): { data: Float64Array; targets: number; single: boolean } {
  const { data, shape } = estimator.numbers('_y');
  const { rows } = readPoints(estimator);
  if (shape[0] !== rows || shape.length > 2) estimator.refuse(`_y is [${shape.join(', ')}] for ${rows} samples`);
  return { data, targets: shape[1] ?? 1, single: shape.length === 1 };
}
