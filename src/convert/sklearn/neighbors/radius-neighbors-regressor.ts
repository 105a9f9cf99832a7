import { NumpyArray } from '../../../formats/pickle/index.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { regression } from '../regression.js';
import { readValues } from './k-neighbors-regressor.js';
import { guardNeighbours, neighbourParameters, neighboursInput } from './nearest.js';
import { sumWithinRadius } from './within-radius.js';

/** [batch, n] → predict [batch] or [batch, targets]: the mean of the samples within `radius`; NaN where there are none. */
export const radiusNeighborsRegressor: EstimatorConverter = {
  className: 'sklearn.neighbors._regression.RadiusNeighborsRegressor',
  parameters: [...neighbourParameters, 'weights'],
  input: neighboursInput,
  convert(call) {
    const { estimator } = call;
    const { data, targets, single } = readValues(estimator);
    return {
      predict() {
        const { sums, weights } = sumWithinRadius(call, data, targets);
        if (!givesNaN(estimator)) guardNeighbours(call, weights);
        return regression(call, call.node('Div', [sums, weights]), targets, single);
      },
    };
  },
};

/** Releases before 0.20 raise where there are no neighbours, and integers have no NaN. */
function givesNaN(estimator: Estimator): boolean {
  const values = estimator.get('_y');
  const content = values instanceof NumpyArray ? values.content : undefined;
  return estimator.since([0, 20]) && content?.kind === 'tensor' && content.tensor.dtype.startsWith('float');
}
