import { mixture } from './mixture.js';

export const gaussianMixture = mixture('sklearn.mixture._gaussian_mixture.GaussianMixture', (estimator) =>
  estimator.vector('weights_').map((weight) => Math.log(weight)),
);
