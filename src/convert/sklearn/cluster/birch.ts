import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { pickLabel } from '../labels.js';
import { centreDistances, nearestCentre } from './centres.js';

/** [batch, n] → predict [batch]: the label of the nearest subcluster; transform [batch, subclusters]: distances. */
export const birch: EstimatorConverter = {
  className: 'sklearn.cluster._birch.Birch',
  parameters: ['threshold', 'branching_factor', 'n_clusters', 'compute_labels', 'copy'],
  input: matrixInput('subcluster_centers_'),
  convert(call) {
    const { estimator } = call;
    const centres = () => estimator.matrix('subcluster_centers_');
    return {
      predict() {
        const labels = estimator.labels('subcluster_labels_');
        if (labels.shape[0] !== centres().rows) estimator.refuse('it has not one label a subcluster');
        return pickLabel(call.graph, labels, nearestCentre(call, centres()));
      },
      transform: () => centreDistances(call, centres()),
    };
  },
};
