import type { EstimatorConverter } from '../converter.js';
import { findNearest, neighbourParameters, neighboursInput } from './nearest.js';

/** [batch, n] → kneighbors: the distances of the `n_neighbors` nearest samples, nearest first, and which they are. */
export const nearestNeighbors: EstimatorConverter = {
  className: 'sklearn.neighbors._unsupervised.NearestNeighbors',
  parameters: neighbourParameters,
  input: neighboursInput,
  convert: (call) => ({
    kneighbors() {
      const count = call.estimator.integer('n_neighbors');
      const { distances, indices } = findNearest(call, count);
      const shape = [null, count];
      return [
        { value: distances, dtype: 'float64', shape },
        { value: indices, dtype: 'int64', shape },
      ];
    },
  }),
};
