import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { linearPredict, linearRegressorInput } from './linear-regressor.js';

/** [batch, n] → predict [batch]: the inverse link of `x · coef_ + intercept_`. */
function generalisedLinearRegressor(name: string, readLink: (estimator: Estimator) => 'log' | 'identity') {
  return {
    className: `sklearn.linear_model._glm.glm.${name}`,
    parameters: ['alpha', 'fit_intercept', 'max_iter', 'solver', 'tol', 'verbose', 'warm_start', 'link', 'power'],
    input: linearRegressorInput,
    convert(call) {
      const log = readLink(call.estimator) === 'log';
      return { predict: () => linearPredict(call, (_, value) => (log ? call.node('Exp', [value]) : value)) };
    },
  } satisfies EstimatorConverter;
}

// Until 1.0 these two kept the link as well, which cannot be chosen.
const logLink = (estimator: Estimator) => estimator.choice('link', ['log'], 'log');

export const poissonRegressor = generalisedLinearRegressor('PoissonRegressor', logLink);
export const gammaRegressor = generalisedLinearRegressor('GammaRegressor', logLink);
export const tweedieRegressor = generalisedLinearRegressor('TweedieRegressor', (estimator) => {
  const link = estimator.choice('link', ['auto', 'identity', 'log']);
  if (link !== 'auto') return link;
  return estimator.number('power') <= 0 ? 'identity' : 'log';
});
