import type { EstimatorConverter } from '../converter.js';
import { centreDistances, centresInput, clusterOutput, nearestCentre } from './centres.js';

/** [batch, n] → predict [batch]: the nearest of `cluster_centers_`; transform [batch, centres]: distances to all. */
export function kMeans(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters,
    input: centresInput('cluster_centers_'),
    convert(call) {
      const centres = () => call.estimator.matrix('cluster_centers_');
      return {
        predict: () => clusterOutput(nearestCentre(call, centres())),
        transform: () => centreDistances(call, centres()),
      };
    },
  };
}
