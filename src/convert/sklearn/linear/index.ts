import type { EstimatorConverter } from '../converter.js';
import { gammaRegressor, poissonRegressor, tweedieRegressor } from './generalised-linear-regressor.js';
import { linearClassifier } from './linear-classifier.js';
import { linearRegressor } from './linear-regressor.js';
import { logisticRegression, logisticRegressionCV } from './logistic-regression.js';
import { ransacRegressor } from './ransac-regressor.js';
import { ridgeClassifier, ridgeClassifierCV } from './ridge-classifier.js';
import { sgdClassifier } from './sgd-classifier.js';
import { sgdOneClassSVM } from './sgd-one-class-svm.js';
import { sgdParameters } from './sgd-parameters.js';

const descent = [
  ...['copy_X', 'fit_intercept', 'max_iter', 'normalize', 'positive', 'precompute', 'random_state', 'selection', 'tol'],
];
const descentOnce = [...descent, 'alpha', 'l1_ratio', 'warm_start'];
const descentCV = [...descent, 'alphas', 'cv', 'eps', 'l1_ratio', 'n_alphas', 'n_jobs', 'verbose'];
const angles = [
  ...['copy_X', 'eps', 'fit_intercept', 'fit_path', 'max_iter', 'method', 'normalize', 'positive'],
  ...['precompute', 'verbose'],
  ...['jitter', 'random_state'],
];
const anglesCV = [...angles, 'cv', 'max_n_alphas', 'n_jobs', 'n_nonzero_coefs'];
const pursuit = ['fit_intercept', 'normalize', 'precompute', 'n_nonzero_coefs', 'tol'];
const bayes = [
  ...['alpha_1', 'alpha_2', 'compute_score', 'copy_X', 'fit_intercept', 'lambda_1', 'lambda_2', 'n_iter', 'max_iter'],
  ...['normalize', 'tol', 'verbose'],
];

export const linearConverters: readonly EstimatorConverter[] = [
  linearRegressor('sklearn.linear_model._base.LinearRegression', [
    ...['fit_intercept', 'normalize', 'copy_X', 'n_jobs', 'positive', 'tol'],
  ]),
  linearRegressor('sklearn.linear_model._ridge.Ridge', [
    ...['alpha', 'copy_X', 'fit_intercept', 'max_iter', 'normalize', 'random_state', 'solver', 'tol', 'positive'],
  ]),
  linearRegressor('sklearn.linear_model._ridge.RidgeCV', [
    ...['alphas', 'cv', 'fit_intercept', 'gcv_mode', 'normalize', 'scoring', 'store_cv_values', 'store_cv_results'],
    'alpha_per_target',
  ]),
  linearRegressor('sklearn.linear_model._coordinate_descent.Lasso', descentOnce),
  linearRegressor('sklearn.linear_model._coordinate_descent.LassoCV', descentCV),
  linearRegressor('sklearn.linear_model._coordinate_descent.ElasticNet', descentOnce),
  linearRegressor('sklearn.linear_model._coordinate_descent.ElasticNetCV', descentCV),
  linearRegressor('sklearn.linear_model._coordinate_descent.MultiTaskLasso', descentOnce),
  linearRegressor('sklearn.linear_model._coordinate_descent.MultiTaskLassoCV', descentCV),
  linearRegressor('sklearn.linear_model._coordinate_descent.MultiTaskElasticNet', descentOnce),
  linearRegressor('sklearn.linear_model._coordinate_descent.MultiTaskElasticNetCV', descentCV),
  linearRegressor('sklearn.linear_model._least_angle.Lars', [...angles, 'n_nonzero_coefs']),
  linearRegressor('sklearn.linear_model._least_angle.LarsCV', anglesCV),
  linearRegressor('sklearn.linear_model._least_angle.LassoLars', [...angles, 'alpha']),
  linearRegressor('sklearn.linear_model._least_angle.LassoLarsCV', anglesCV),
  linearRegressor('sklearn.linear_model._least_angle.LassoLarsIC', [...angles, 'criterion', 'noise_variance']),
  linearRegressor('sklearn.linear_model._omp.OrthogonalMatchingPursuit', pursuit),
  linearRegressor('sklearn.linear_model._omp.OrthogonalMatchingPursuitCV', [
    ...['copy', 'cv', 'fit_intercept', 'max_iter', 'n_jobs', 'normalize', 'verbose'],
  ]),
  linearRegressor('sklearn.linear_model._bayes.BayesianRidge', [...bayes, 'alpha_init', 'lambda_init']),
  linearRegressor('sklearn.linear_model._bayes.ARDRegression', [...bayes, 'threshold_lambda']),
  linearRegressor('sklearn.linear_model._huber.HuberRegressor', [
    ...['alpha', 'epsilon', 'fit_intercept', 'max_iter', 'tol', 'warm_start'],
  ]),
  linearRegressor('sklearn.linear_model._theil_sen.TheilSenRegressor', [
    ...['copy_X', 'fit_intercept', 'max_iter', 'max_subpopulation', 'n_jobs', 'n_subsamples', 'random_state', 'tol'],
    'verbose',
  ]),
  linearRegressor('sklearn.linear_model._quantile.QuantileRegressor', [
    ...['alpha', 'fit_intercept', 'quantile', 'solver', 'solver_options'],
  ]),
  linearRegressor('sklearn.linear_model._stochastic_gradient.SGDRegressor', sgdParameters),
  linearRegressor('sklearn.linear_model._passive_aggressive.PassiveAggressiveRegressor', sgdParameters),
  linearRegressor('sklearn.svm._classes.LinearSVR', [
    ...['C', 'dual', 'epsilon', 'fit_intercept', 'intercept_scaling', 'loss', 'max_iter', 'random_state', 'tol'],
    'verbose',
  ]),
  poissonRegressor,
  gammaRegressor,
  tweedieRegressor,
  ransacRegressor,
  logisticRegression,
  logisticRegressionCV,
  ridgeClassifier,
  ridgeClassifierCV,
  sgdClassifier,
  sgdOneClassSVM,
  linearClassifier('sklearn.linear_model._perceptron.Perceptron', [...sgdParameters, 'class_weight', 'n_jobs']),
  linearClassifier('sklearn.linear_model._passive_aggressive.PassiveAggressiveClassifier', [
    ...[...sgdParameters, 'class_weight', 'n_jobs'],
  ]),
  linearClassifier('sklearn.svm._classes.LinearSVC', [
    ...[
      'C',
      'class_weight',
      'dual',
      'fit_intercept',
      'intercept_scaling',
      'loss',
      'max_iter',
      'multi_class',
      'penalty',
    ],
    ...['random_state', 'tol', 'verbose'],
  ]),
];
