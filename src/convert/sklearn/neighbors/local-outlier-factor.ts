import type { Value } from '../../graph-builder.js';
import type { EstimatorConverter } from '../converter.js';
import { inlierOutput } from '../covariance/inlier.js';
import { findNearest, neighbourParameters, neighboursInput, readPoints } from './nearest.js';

/**
 * [batch, n] → score_samples [batch]: how much less dense it is around the row than around its neighbours, negative;
 * decision_function: above `offset_`; predict: 1 for inliers, -1 for outliers. Fitted with `novelty` alone.
 */
export const localOutlierFactor: EstimatorConverter = {
  className: 'sklearn.neighbors._lof.LocalOutlierFactor',
  parameters: [...neighbourParameters, 'contamination', 'novelty'],
  input: neighboursInput,
  convert(call) {
    const { estimator } = call;
    if (!estimator.boolean('novelty', false)) {
      estimator.refuse('novelty is False, so it judges the samples of its fit alone; fit it with novelty=True');
    }
    const count = estimator.integer('n_neighbors_');
    const { rows } = readPoints(estimator);
    const { data, columns } = estimator.matrix('_distances_fit_X_', rows);
    if (count < 1 || count > columns) estimator.refuse(`_distances_fit_X_ is ${columns} wide for ${count} neighbours`);
    const reach = Float64Array.from({ length: rows }, (_, i) => data[i * columns + count - 1]!);
    const density = estimator.vector('_lrd', rows);
    let scores: Value | undefined;
    const scoresOnce = () => {
      scores ??= (() => {
        const near = findNearest(call, count);
        const own = call.node('Max', [near.distances, call.node('Gather', [call.floats(reach), near.indices])]);
        const mean = call.node('Add', [call.reduce('ReduceMean', own, 1, true), call.scalar(1e-10)]);
        const ratios = call.node('Mul', [call.node('Gather', [call.floats(density), near.indices]), mean]);
        return call.node('Neg', [call.reduce('ReduceMean', ratios)]);
      })();
      return scores;
    };
    const decision = () => call.node('Sub', [scoresOnce(), call.scalar(estimator.number('offset_'))]);
    return {
      score_samples: () => ({ value: scoresOnce(), dtype: 'float64', shape: [null] }),
      decision_function: () => ({ value: decision(), dtype: 'float64', shape: [null] }),
      predict: () => inlierOutput(call, decision()),
    };
  },
};
