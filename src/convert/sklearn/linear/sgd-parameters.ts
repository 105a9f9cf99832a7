/** What every estimator trained by stochastic gradient descent has; all of it matters to `fit` alone. */
export const sgdParameters: readonly string[] = [
  ...['C', 'alpha', 'average', 'early_stopping', 'epsilon', 'eta0', 'fit_intercept', 'l1_ratio', 'learning_rate'],
  ...['loss', 'max_iter', 'n_iter', 'n_iter_no_change', 'penalty', 'power_t', 'random_state', 'shuffle', 'tol'],
  ...['validation_fraction', 'verbose', 'warm_start'],
];
