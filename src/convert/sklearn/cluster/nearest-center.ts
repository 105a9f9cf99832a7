import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { clusterOutput, nearestCentre } from './centres.js';

/** [batch, n] → predict [batch]: the nearest of `cluster_centers_`. */
export function nearestCenter(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters,
    input(estimator) {
      if (estimator.get('affinity') === 'precomputed') {
        estimator.refuse('affinity is "precomputed", and predict needs the centres themselves');
      }
      return matrixInput('cluster_centers_')(estimator);
    },
    convert(call) {
      const { estimator } = call;
      return {
        predict() {
          const centres = estimator.matrix('cluster_centers_');
          if (centres.rows === 0) estimator.refuse('it has no cluster centres: it did not converge');
          return clusterOutput(nearestCentre(call, centres));
        },
      };
    },
  };
}
