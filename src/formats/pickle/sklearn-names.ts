/**
 * Names of scikit-learn 0.18 to 1.9 that occur in pickles of estimators, by the module where the newest release that
 * has them keeps them. Names only: an object of such a class is inert data, and whether it can be converted is
 * for `convert/sklearn` to say.
 */
export const sklearnClasses: Readonly<Record<string, string>> = {
  'sklearn._loss._loss':
    'CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss CyHalfMultinomialLoss ' +
    'CyHalfPoissonLoss CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity CyHuberLoss ' +
    'CyPinballLoss',
  'sklearn._loss.glm_distribution':
    'DistributionBoundary GammaDistribution InverseGaussianDistribution NormalDistribution PoissonDistribution TweedieDistribution',
  'sklearn._loss.link': 'HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit',
  'sklearn._loss.loss':
    'AbsoluteError ExponentialLoss HalfBinomialLoss HalfBinomialLossArrayAPI HalfGammaLoss HalfMultinomialLoss ' +
    'HalfMultinomialLossArrayAPI HalfPoissonLoss HalfPoissonLossArrayAPI HalfSquaredError HalfTweedieLoss ' +
    'HalfTweedieLossIdentity HuberLoss PinballLoss',
  'sklearn.calibration': 'CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration _TemperatureScaling',
  'sklearn.cluster._affinity_propagation': 'AffinityPropagation',
  'sklearn.cluster._agglomerative': 'AgglomerativeClustering FeatureAgglomeration',
  'sklearn.cluster._bicluster': 'SpectralBiclustering SpectralCoclustering',
  'sklearn.cluster._birch': 'Birch _CFNode _CFSubcluster',
  'sklearn.cluster._bisect_k_means': 'BisectingKMeans _BisectingTree',
  'sklearn.cluster._dbscan': 'DBSCAN',
  'sklearn.cluster._hdbscan.hdbscan': 'HDBSCAN',
  'sklearn.cluster._kmeans': 'KMeans MiniBatchKMeans',
  'sklearn.cluster._mean_shift': 'MeanShift',
  'sklearn.cluster._optics': 'OPTICS',
  'sklearn.cluster._spectral': 'SpectralClustering',
  'sklearn.compose._column_transformer': 'ColumnTransformer _RemainderColsList make_column_selector',
  'sklearn.compose._target': 'TransformedTargetRegressor',
  'sklearn.covariance._elliptic_envelope': 'EllipticEnvelope',
  'sklearn.covariance._empirical_covariance': 'EmpiricalCovariance',
  'sklearn.covariance._graph_lasso': 'GraphicalLasso GraphicalLassoCV',
  'sklearn.covariance._robust_covariance': 'MinCovDet',
  'sklearn.covariance._shrunk_covariance': 'LedoitWolf OAS ShrunkCovariance',
  'sklearn.cross_decomposition._pls': 'CCA PLSCanonical PLSRegression PLSSVD',
  'sklearn.decomposition._dict_learning': 'DictionaryLearning MiniBatchDictionaryLearning SparseCoder',
  'sklearn.decomposition._factor_analysis': 'FactorAnalysis',
  'sklearn.decomposition._fastica': 'FastICA',
  'sklearn.decomposition._incremental_pca': 'IncrementalPCA',
  'sklearn.decomposition._kernel_pca': 'KernelPCA',
  'sklearn.decomposition._lda': 'LatentDirichletAllocation',
  'sklearn.decomposition._nmf': 'MiniBatchNMF NMF',
  'sklearn.decomposition._pca': 'PCA',
  'sklearn.decomposition._sparse_pca': 'MiniBatchSparsePCA SparsePCA',
  'sklearn.decomposition._truncated_svd': 'TruncatedSVD',
  'sklearn.discriminant_analysis': 'LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis',
  'sklearn.dummy': 'DummyClassifier DummyRegressor',
  'sklearn.ensemble._bagging': 'BaggingClassifier BaggingRegressor',
  'sklearn.ensemble._forest':
    'ExtraTreesClassifier ExtraTreesRegressor RandomForestClassifier RandomForestRegressor ' + 'RandomTreesEmbedding',
  'sklearn.ensemble._gb':
    'GradientBoostingClassifier GradientBoostingRegressor LogOddsEstimator MeanEstimator ' +
    'PriorProbabilityEstimator QuantileEstimator ScaledLogOddsEstimator ZeroEstimator',
  'sklearn.ensemble._gb_losses':
    'BinomialDeviance ExponentialLoss HuberLossFunction LeastAbsoluteError LeastSquaresError ' +
    'MultinomialDeviance QuantileLossFunction',
  'sklearn.ensemble._hist_gradient_boosting.binning': '_BinMapper',
  'sklearn.ensemble._hist_gradient_boosting.gradient_boosting':
    'HistGradientBoostingClassifier HistGradientBoostingRegressor',
  'sklearn.ensemble._hist_gradient_boosting.loss':
    'BinaryCrossEntropy CategoricalCrossEntropy LeastAbsoluteDeviation LeastSquares Poisson',
  'sklearn.ensemble._hist_gradient_boosting.predictor': 'TreePredictor',
  'sklearn.ensemble._iforest': 'IsolationForest',
  'sklearn.ensemble._stacking': 'StackingClassifier StackingRegressor',
  'sklearn.ensemble._voting': 'VotingClassifier VotingRegressor',
  'sklearn.ensemble._weight_boosting': 'AdaBoostClassifier AdaBoostRegressor',
  'sklearn.feature_extraction._dict_vectorizer': 'DictVectorizer',
  'sklearn.feature_extraction._hash': 'FeatureHasher',
  'sklearn.feature_extraction.image': 'PatchExtractor',
  'sklearn.feature_extraction.text': 'CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer',
  'sklearn.feature_selection._from_model': 'SelectFromModel',
  'sklearn.feature_selection._rfe': 'RFE RFECV',
  'sklearn.feature_selection._sequential': 'SequentialFeatureSelector',
  'sklearn.feature_selection._univariate_selection':
    'GenericUnivariateSelect SelectFdr SelectFpr SelectFwe SelectKBest SelectPercentile',
  'sklearn.feature_selection._variance_threshold': 'VarianceThreshold',
  'sklearn.frozen._frozen': 'FrozenEstimator',
  'sklearn.gaussian_process._gpc': 'GaussianProcessClassifier _BinaryGaussianProcessClassifierLaplace',
  'sklearn.gaussian_process._gpr': 'GaussianProcessRegressor',
  'sklearn.gaussian_process.kernels':
    'CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Hyperparameter Matern ' +
    'PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel',
  'sklearn.impute._base': 'MissingIndicator SimpleImputer',
  'sklearn.impute._iterative': 'IterativeImputer _ImputerTriplet',
  'sklearn.impute._knn': 'KNNImputer',
  'sklearn.isotonic': 'IsotonicRegression',
  'sklearn.kernel_approximation': 'AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler SkewedChi2Sampler',
  'sklearn.kernel_ridge': 'KernelRidge',
  'sklearn.linear_model._base': 'LinearRegression',
  'sklearn.linear_model._bayes': 'ARDRegression BayesianRidge',
  'sklearn.linear_model._coordinate_descent':
    'ElasticNet ElasticNetCV Lasso LassoCV MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso ' +
    'MultiTaskLassoCV',
  'sklearn.linear_model._glm.glm': 'GammaRegressor PoissonRegressor TweedieRegressor _GeneralizedLinearRegressor',
  'sklearn.linear_model._glm.link': 'IdentityLink LogLink LogitLink',
  'sklearn.linear_model._huber': 'HuberRegressor',
  'sklearn.linear_model._least_angle': 'Lars LarsCV LassoLars LassoLarsCV LassoLarsIC',
  'sklearn.linear_model._linear_loss': 'LinearModelLoss',
  'sklearn.linear_model._logistic': 'LogisticRegression LogisticRegressionCV',
  'sklearn.linear_model._omp': 'OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV',
  'sklearn.linear_model._passive_aggressive': 'PassiveAggressiveClassifier PassiveAggressiveRegressor',
  'sklearn.linear_model._perceptron': 'Perceptron',
  'sklearn.linear_model._quantile': 'QuantileRegressor',
  'sklearn.linear_model._ransac': 'RANSACRegressor',
  'sklearn.linear_model._ridge':
    'Ridge RidgeCV RidgeClassifier RidgeClassifierCV _IdentityClassifier _IdentityRegressor _RidgeGCV',
  'sklearn.linear_model._sgd_fast':
    'EpsilonInsensitive Hinge Huber Log ModifiedHuber SquaredEpsilonInsensitive SquaredHinge SquaredLoss',
  'sklearn.linear_model._stochastic_gradient': 'SGDClassifier SGDOneClassSVM SGDRegressor',
  'sklearn.linear_model._theil_sen': 'TheilSenRegressor',
  'sklearn.manifold._classical_mds': 'ClassicalMDS',
  'sklearn.manifold._isomap': 'Isomap',
  'sklearn.manifold._locally_linear': 'LocallyLinearEmbedding',
  'sklearn.manifold._mds': 'MDS',
  'sklearn.manifold._spectral_embedding': 'SpectralEmbedding',
  'sklearn.manifold._t_sne': 'TSNE',
  'sklearn.metrics._dist_metrics':
    'BrayCurtisDistance BrayCurtisDistance32 BrayCurtisDistance64 CanberraDistance CanberraDistance32 ' +
    'CanberraDistance64 ChebyshevDistance ChebyshevDistance32 ChebyshevDistance64 DiceDistance DiceDistance32 ' +
    'DiceDistance64 EuclideanDistance EuclideanDistance32 EuclideanDistance64 HammingDistance ' +
    'HammingDistance32 HammingDistance64 HaversineDistance HaversineDistance32 HaversineDistance64 ' +
    'JaccardDistance JaccardDistance32 JaccardDistance64 KulsinskiDistance KulsinskiDistance32 ' +
    'KulsinskiDistance64 MahalanobisDistance MahalanobisDistance32 MahalanobisDistance64 ManhattanDistance ' +
    'ManhattanDistance32 ManhattanDistance64 MatchingDistance MatchingDistance32 MatchingDistance64 ' +
    'MinkowskiDistance MinkowskiDistance32 MinkowskiDistance64 RogersTanimotoDistance RogersTanimotoDistance32 ' +
    'RogersTanimotoDistance64 RussellRaoDistance RussellRaoDistance32 RussellRaoDistance64 SEuclideanDistance ' +
    'SEuclideanDistance32 SEuclideanDistance64 SokalMichenerDistance SokalMichenerDistance32 ' +
    'SokalMichenerDistance64 SokalSneathDistance SokalSneathDistance32 SokalSneathDistance64',
  'sklearn.metrics._scorer':
    '_CurveScorer _MultimetricScorer _PassthroughScorer _PredictScorer _ProbaScorer _Scorer _ThresholdScorer',
  'sklearn.mixture._bayesian_mixture': 'BayesianGaussianMixture',
  'sklearn.mixture._gaussian_mixture': 'GaussianMixture',
  'sklearn.model_selection._classification_threshold': 'FixedThresholdClassifier TunedThresholdClassifierCV',
  'sklearn.model_selection._search': 'GridSearchCV RandomizedSearchCV',
  'sklearn.model_selection._search_successive_halving': 'HalvingGridSearchCV HalvingRandomSearchCV',
  'sklearn.model_selection._split':
    'GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut PredefinedSplit ' +
    'RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold ' +
    'StratifiedShuffleSplit TimeSeriesSplit _CVIterableWrapper _RepeatedSplits',
  'sklearn.multiclass': 'OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier _ConstantPredictor',
  'sklearn.multioutput': 'ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain',
  'sklearn.naive_bayes': 'BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB',
  'sklearn.neighbors._ball_tree': 'BallTree BallTree32 BallTree64',
  'sklearn.neighbors._classification': 'KNeighborsClassifier RadiusNeighborsClassifier',
  'sklearn.neighbors._graph': 'KNeighborsTransformer RadiusNeighborsTransformer',
  'sklearn.neighbors._kd_tree': 'KDTree KDTree32 KDTree64',
  'sklearn.neighbors._kde': 'KernelDensity',
  'sklearn.neighbors._lof': 'LocalOutlierFactor',
  'sklearn.neighbors._nca': 'NeighborhoodComponentsAnalysis',
  'sklearn.neighbors._nearest_centroid': 'NearestCentroid',
  'sklearn.neighbors._quad_tree': '_QuadTree',
  'sklearn.neighbors._regression': 'KNeighborsRegressor RadiusNeighborsRegressor',
  'sklearn.neighbors._unsupervised': 'NearestNeighbors',
  'sklearn.neural_network._multilayer_perceptron': 'MLPClassifier MLPRegressor',
  'sklearn.neural_network._rbm': 'BernoulliRBM',
  'sklearn.neural_network._stochastic_optimizers': 'AdamOptimizer SGDOptimizer',
  'sklearn.pipeline': 'FeatureUnion Pipeline',
  'sklearn.preprocessing._data':
    'Binarizer KernelCenterer MaxAbsScaler MinMaxScaler Normalizer PowerTransformer QuantileTransformer ' +
    'RobustScaler StandardScaler',
  'sklearn.preprocessing._discretization': 'KBinsDiscretizer',
  'sklearn.preprocessing._encoders': 'OneHotEncoder OrdinalEncoder',
  'sklearn.preprocessing._function_transformer': 'FunctionTransformer',
  'sklearn.preprocessing._label': 'LabelBinarizer LabelEncoder MultiLabelBinarizer',
  'sklearn.preprocessing._polynomial': 'PolynomialFeatures SplineTransformer',
  'sklearn.preprocessing._target_encoder': 'TargetEncoder',
  'sklearn.preprocessing.imputation': 'Imputer',
  'sklearn.random_projection': 'GaussianRandomProjection SparseRandomProjection',
  'sklearn.semi_supervised._label_propagation': 'LabelPropagation LabelSpreading',
  'sklearn.semi_supervised._self_training': 'SelfTrainingClassifier',
  'sklearn.svm._classes': 'LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR',
  'sklearn.tree._classes': 'DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor',
  'sklearn.tree._tree': 'Tree',
  'sklearn.utils._bunch': 'Bunch',
  'sklearn.utils.deprecation': 'DeprecationDict',
  'sklearn.utils._metadata_requests': 'MetadataRequest MethodMetadataRequest',
};

/** Functions that occur as parameters (`score_func=f_classif`); they are never called. */
export const sklearnFunctions: Readonly<Record<string, string>> = {
  'sklearn.cluster._kmeans': '_kmeans_single_elkan _kmeans_single_lloyd',
  'sklearn.feature_extraction.text': 'strip_accents_ascii strip_accents_unicode strip_tags',
  'sklearn.feature_selection._mutual_info': 'mutual_info_classif mutual_info_regression',
  'sklearn.feature_selection._univariate_selection': 'chi2 f_classif f_oneway f_regression r_regression',
  'sklearn.metrics._classification':
    'accuracy_score balanced_accuracy_score brier_score_loss class_likelihood_ratios classification_report ' +
    'cohen_kappa_score confusion_matrix d2_brier_score d2_log_loss_score f1_score fbeta_score hamming_loss ' +
    'hinge_loss jaccard_score log_loss matthews_corrcoef multilabel_confusion_matrix ' +
    'precision_recall_fscore_support precision_score recall_score zero_one_loss',
  'sklearn.metrics._ranking':
    'auc average_precision_score confusion_matrix_at_thresholds coverage_error dcg_score det_curve ' +
    'label_ranking_average_precision_score label_ranking_loss metric_at_thresholds ndcg_score ' +
    'precision_recall_curve roc_auc_score roc_curve top_k_accuracy_score',
  'sklearn.metrics._regression':
    'd2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score max_error ' +
    'mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss ' +
    'mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance ' +
    'median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error',
  'sklearn.metrics._scorer': '_passthrough_scorer',
  'sklearn.model_selection._search_successive_halving': '_refit_callable',
  'sklearn.metrics.pairwise':
    'additive_chi2_kernel chi2_kernel cosine_distances cosine_similarity euclidean_distances ' +
    'haversine_distances laplacian_kernel linear_kernel manhattan_distances nan_euclidean_distances ' +
    'pairwise_distances polynomial_kernel rbf_kernel sigmoid_kernel',
  'sklearn.utils.validation': 'check_array',
};

/** Modules by the names they had, and where their classes are now. */
export const movedModules: Readonly<Record<string, string>> = {
  'sklearn.ensemble.bagging': 'sklearn.ensemble._bagging',
  'sklearn.ensemble.forest': 'sklearn.ensemble._forest',
  'sklearn.ensemble.gradient_boosting': 'sklearn.ensemble._gb',
  'sklearn.ensemble.iforest': 'sklearn.ensemble._iforest',
  'sklearn.ensemble.voting': 'sklearn.ensemble._voting',
  'sklearn.ensemble.voting_classifier': 'sklearn.ensemble._voting',
  'sklearn.ensemble.weight_boosting': 'sklearn.ensemble._weight_boosting',
  'sklearn.tree.tree': 'sklearn.tree._classes',
  'sklearn.neural_network.rbm': 'sklearn.neural_network._rbm',
  'sklearn.neural_network.multilayer_perceptron': 'sklearn.neural_network._multilayer_perceptron',
  'sklearn.cluster.affinity_propagation_': 'sklearn.cluster._affinity_propagation',
  'sklearn.cluster.bicluster': 'sklearn.cluster._bicluster',
  'sklearn.cluster.birch': 'sklearn.cluster._birch',
  'sklearn.cluster.dbscan_': 'sklearn.cluster._dbscan',
  'sklearn.cluster.hierarchical': 'sklearn.cluster._agglomerative',
  'sklearn.cluster.k_means_': 'sklearn.cluster._kmeans',
  'sklearn.cluster.mean_shift_': 'sklearn.cluster._mean_shift',
  'sklearn.cluster.optics_': 'sklearn.cluster._optics',
  'sklearn.cluster.spectral': 'sklearn.cluster._spectral',
  'sklearn.mixture.gaussian_mixture': 'sklearn.mixture._gaussian_mixture',
  'sklearn.mixture.bayesian_mixture': 'sklearn.mixture._bayesian_mixture',
  'sklearn.covariance.empirical_covariance_': 'sklearn.covariance._empirical_covariance',
  'sklearn.covariance.shrunk_covariance_': 'sklearn.covariance._shrunk_covariance',
  'sklearn.covariance.robust_covariance': 'sklearn.covariance._robust_covariance',
  'sklearn.covariance.graph_lasso_': 'sklearn.covariance._graph_lasso',
  'sklearn.covariance.elliptic_envelope': 'sklearn.covariance._elliptic_envelope',
  'sklearn.covariance.outlier_detection': 'sklearn.covariance._elliptic_envelope',
  'sklearn.cross_decomposition._cca': 'sklearn.cross_decomposition._pls',
  'sklearn.cross_decomposition.cca_': 'sklearn.cross_decomposition._pls',
  'sklearn.cross_decomposition.pls_': 'sklearn.cross_decomposition._pls',
  'sklearn.svm.classes': 'sklearn.svm._classes',
  'sklearn.decomposition.dict_learning': 'sklearn.decomposition._dict_learning',
  'sklearn.decomposition.factor_analysis': 'sklearn.decomposition._factor_analysis',
  'sklearn.decomposition.fastica_': 'sklearn.decomposition._fastica',
  'sklearn.decomposition.incremental_pca': 'sklearn.decomposition._incremental_pca',
  'sklearn.decomposition.kernel_pca': 'sklearn.decomposition._kernel_pca',
  'sklearn.decomposition.nmf': 'sklearn.decomposition._nmf',
  'sklearn.decomposition.online_lda': 'sklearn.decomposition._lda',
  'sklearn.decomposition.pca': 'sklearn.decomposition._pca',
  'sklearn.decomposition.sparse_pca': 'sklearn.decomposition._sparse_pca',
  'sklearn.decomposition.truncated_svd': 'sklearn.decomposition._truncated_svd',
  'sklearn.gaussian_process.gpr': 'sklearn.gaussian_process._gpr',
  'sklearn.gaussian_process.gpc': 'sklearn.gaussian_process._gpc',
  'sklearn.feature_extraction.dict_vectorizer': 'sklearn.feature_extraction._dict_vectorizer',
  'sklearn.feature_extraction.hashing': 'sklearn.feature_extraction._hash',
  'sklearn.linear_model.base': 'sklearn.linear_model._base',
  'sklearn.linear_model.bayes': 'sklearn.linear_model._bayes',
  'sklearn.linear_model.coordinate_descent': 'sklearn.linear_model._coordinate_descent',
  'sklearn.linear_model.huber': 'sklearn.linear_model._huber',
  'sklearn.linear_model.least_angle': 'sklearn.linear_model._least_angle',
  'sklearn.linear_model.logistic': 'sklearn.linear_model._logistic',
  'sklearn.linear_model.omp': 'sklearn.linear_model._omp',
  'sklearn.linear_model.passive_aggressive': 'sklearn.linear_model._passive_aggressive',
  'sklearn.linear_model.perceptron': 'sklearn.linear_model._perceptron',
  'sklearn.linear_model.ransac': 'sklearn.linear_model._ransac',
  'sklearn.linear_model.ridge': 'sklearn.linear_model._ridge',
  'sklearn.linear_model.sgd_fast': 'sklearn.linear_model._sgd_fast',
  'sklearn.linear_model.stochastic_gradient': 'sklearn.linear_model._stochastic_gradient',
  'sklearn.linear_model.theil_sen': 'sklearn.linear_model._theil_sen',
  'sklearn.metrics.classification': 'sklearn.metrics._classification',
  'sklearn.metrics.regression': 'sklearn.metrics._regression',
  'sklearn.metrics.ranking': 'sklearn.metrics._ranking',
  'sklearn.metrics.scorer': 'sklearn.metrics._scorer',
  'sklearn.neighbors.ball_tree': 'sklearn.neighbors._ball_tree',
  'sklearn.neighbors.classification': 'sklearn.neighbors._classification',
  'sklearn.neighbors.graph': 'sklearn.neighbors._graph',
  'sklearn.neighbors.kd_tree': 'sklearn.neighbors._kd_tree',
  'sklearn.neighbors.kde': 'sklearn.neighbors._kde',
  'sklearn.neighbors.lof': 'sklearn.neighbors._lof',
  'sklearn.neighbors.nca': 'sklearn.neighbors._nca',
  'sklearn.neighbors.nearest_centroid': 'sklearn.neighbors._nearest_centroid',
  'sklearn.neighbors.quad_tree': 'sklearn.neighbors._quad_tree',
  'sklearn.neighbors.regression': 'sklearn.neighbors._regression',
  'sklearn.neighbors.unsupervised': 'sklearn.neighbors._unsupervised',
  'sklearn.manifold.isomap': 'sklearn.manifold._isomap',
  'sklearn.manifold.locally_linear': 'sklearn.manifold._locally_linear',
  'sklearn.manifold.mds': 'sklearn.manifold._mds',
  'sklearn.manifold.spectral_embedding_': 'sklearn.manifold._spectral_embedding',
  'sklearn.manifold.t_sne': 'sklearn.manifold._t_sne',
  'sklearn.semi_supervised.label_propagation': 'sklearn.semi_supervised._label_propagation',
  'sklearn.preprocessing.data': 'sklearn.preprocessing._data',
  'sklearn.preprocessing.label': 'sklearn.preprocessing._label',
  'sklearn.feature_selection.from_model': 'sklearn.feature_selection._from_model',
  'sklearn.feature_selection.mutual_info_': 'sklearn.feature_selection._mutual_info',
  'sklearn.feature_selection.rfe': 'sklearn.feature_selection._rfe',
  'sklearn.feature_selection.univariate_selection': 'sklearn.feature_selection._univariate_selection',
  'sklearn.feature_selection.variance_threshold': 'sklearn.feature_selection._variance_threshold',
  _loss: 'sklearn._loss._loss',
  'sklearn.cluster._hierarchical': 'sklearn.cluster._agglomerative',
  'sklearn.impute': 'sklearn.impute._base',
  'sklearn.neighbors._dist_metrics': 'sklearn.metrics._dist_metrics',
  'sklearn.neighbors.dist_metrics': 'sklearn.metrics._dist_metrics',
  'sklearn.utils': 'sklearn.utils._bunch',
  'sklearn.datasets.base': 'sklearn.utils._bunch',
};

/** Classes that moved without their module: old module, new module, names. */
export const movedClasses: readonly (readonly [from: string, to: string, names: string])[] = [
  ['sklearn.model_selection._classification_threshold', 'sklearn.metrics._scorer', '_CurveScorer'],
  ['sklearn.preprocessing.data', 'sklearn.preprocessing._encoders', 'OneHotEncoder'],
  ['sklearn.preprocessing.data', 'sklearn.preprocessing._polynomial', 'PolynomialFeatures'],
  ['sklearn.preprocessing._data', 'sklearn.preprocessing._polynomial', 'PolynomialFeatures'],
  [
    'sklearn.ensemble.gradient_boosting',
    'sklearn.ensemble._gb_losses',
    'BinomialDeviance ExponentialLoss HuberLossFunction LeastAbsoluteError LeastSquaresError MultinomialDeviance QuantileLossFunction',
  ],
];
