import type { EstimatorConverter } from '../converter.js';

/** What `estimator_`, fitted on the inliers, predicts. */
export const ransacRegressor: EstimatorConverter = {
  className: 'sklearn.linear_model._ransac.RANSACRegressor',
  parameters: [
    ...['base_estimator', 'estimator', 'is_data_valid', 'is_model_valid', 'loss', 'max_skips', 'max_trials'],
    ...['min_samples', 'random_state', 'residual_metric', 'residual_threshold', 'stop_n_inliers', 'stop_probability'],
    'stop_score',
  ],
  input: (estimator, describe) => describe(estimator.partOf(estimator.part('estimator_'))),
  convert(call) {
    const { predict } = call.convert(call.estimator.part('estimator_'), call.input);
    return predict === undefined ? call.estimator.refuse('its estimator_ does not predict') : { predict };
  },
};
