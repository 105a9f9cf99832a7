import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { centreDistances, clusterOutput, nearestCentre } from './centres.js';

/** [batch, n] → predict [batch]: the nearest of `cluster_centers_`; transform [batch, centres]: distances to all. */
export function kMeans(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters,
    input: matrixInput('cluster_centers_'),
    convert(call) {
      const centres = () => call.estimator.matrix('cluster_centers_');
      return {
        predict: () => clusterOutput(nearestCentre(call, centres())),
        transform: () => centreDistances(call, centres()),
      };
    },
  };
}
