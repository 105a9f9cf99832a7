import type { EstimatorConverter } from '../converter.js';

/** The estimator that it keeps from being fitted again. */
export const frozenEstimator: EstimatorConverter = {
  className: 'sklearn.frozen._frozen.FrozenEstimator',
  parameters: ['estimator'],
  input: (estimator, describe) => describe(estimator.partOf(estimator.part('estimator'))),
  convert: (call) => call.convert(call.estimator.part('estimator'), call.input),
};
