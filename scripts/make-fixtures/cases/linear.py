"""Linear and generalised linear models, discriminant analysis, perceptrons, Gaussian processes, kernel ridge."""
import numpy as np

from data import classes, counts, multilabel, named, regression

from .variants import each


def cases(add):
    _regressors(add)
    _logistic(add)
    _other_classifiers(add)
    _glm(add)
    _networks(add)
    _kernels(add)


def _regressors(add):
    plain = lambda rng: regression(rng, 4)
    for name, data in (
        ("plain", plain),
        ("one_feature", lambda rng: regression(rng, 1)),
        ("wide", lambda rng: regression(rng, 30, n=80)),
        ("targets", lambda rng: regression(rng, 4, 3)),
        ("one_target_column", lambda rng: _column(regression(rng, 4))),
        ("float32", lambda rng: regression(rng, 3, dtype=np.float32)),
        ("frame", lambda rng: named(regression(rng, 5))),
        ("huge", lambda rng: regression(rng, 4, large=1e12)),
        ("int_target", lambda rng: _rounded(regression(rng, 4))),
    ):
        tolerance = {"abs": 1e-4, "rel": 1e-5} if name == "float32" else None
        add("linreg_" + name, lambda s: s.LinearRegression(), data, tolerance=tolerance)
    each(add, "linreg", "LinearRegression", plain, raw={"fit_intercept": False}, normalized={"normalize": True}, positive={"positive": True})
    each(
        add, "ridge", "Ridge", plain,
        plain={"alpha": 0.5}, raw={"fit_intercept": False}, svd={"solver": "svd"}, sag={"solver": "sag", "random_state": 0},
        lsqr={"solver": "lsqr"}, sparse_cg={"solver": "sparse_cg"}, positive={"positive": True}, normalized={"normalize": True},
    )
    add("ridge_targets", lambda s: s.Ridge(alpha=np.array([0.1, 2.0])), lambda rng: regression(rng, 4, 2))
    each(add, "lasso", "Lasso", plain, plain={"alpha": 0.1}, raw={"fit_intercept": False}, all_zero={"alpha": 1e6}, positive={"positive": True, "alpha": 0.05})
    each(add, "elasticnet", "ElasticNet", plain, plain={"alpha": 0.1, "l1_ratio": 0.3}, random={"alpha": 0.1, "selection": "random", "random_state": 0})
    add("lasso_targets", lambda s: s.Lasso(alpha=0.05), lambda rng: regression(rng, 4, 2))
    add("lasso_single_feature", lambda s: s.Lasso(alpha=0.05), lambda rng: regression(rng, 1))
    for stem, name, parameters in (
        ("ridge_cv", "RidgeCV", {"alphas": (0.1, 1.0, 10.0)}),
        ("ridge_cv_folds", "RidgeCV", {"alphas": (0.1, 1.0, 10.0), "cv": 3}),
        ("ridge_cv_stored", "RidgeCV", {"store_cv_values": True}),
        ("lasso_cv", "LassoCV", {"cv": 3, "n_alphas": 8}),
        ("lasso_cv_alphas", "LassoCV", {"cv": 3, "alphas": [0.01, 0.1, 1.0]}),
        ("elasticnet_cv", "ElasticNetCV", {"cv": 3, "n_alphas": 6, "l1_ratio": [0.2, 0.8]}),
        ("lars", "Lars", {}),
        ("lasso_lars", "LassoLars", {"alpha": 0.05}),
        ("lasso_lars_ic", "LassoLarsIC", {"criterion": "bic"}),
        ("lasso_lars_cv", "LassoLarsCV", {"cv": 3}),
        ("lars_cv", "LarsCV", {"cv": 3}),
        ("omp_cv", "OrthogonalMatchingPursuitCV", {"cv": 3}),
        ("omp", "OrthogonalMatchingPursuit", {"n_nonzero_coefs": 2}),
        ("bayesian_ridge", "BayesianRidge", {}),
        ("bayesian_ridge_raw", "BayesianRidge", {"fit_intercept": False, "compute_score": True}),
        ("bayesian_ridge_normalized", "BayesianRidge", {"normalize": True}),
        ("ard", "ARDRegression", {}),
        ("huber", "HuberRegressor", {"epsilon": 1.2}),
        ("huber_raw", "HuberRegressor", {"fit_intercept": False}),
        ("theil_sen", "TheilSenRegressor", {"random_state": 0, "max_subpopulation": 200}),
        ("ransac", "RANSACRegressor", {"random_state": 0}),
        ("quantile", "QuantileRegressor", {"quantile": 0.7, "alpha": 0.01, "solver": "highs"}),
        ("passive_aggressive_reg", "PassiveAggressiveRegressor", {"random_state": 0, "max_iter": 50, "tol": 1e-3}),
        ("passive_aggressive_reg_eps2", "PassiveAggressiveRegressor", {"random_state": 0, "loss": "squared_epsilon_insensitive", "fit_intercept": False, "max_iter": 50}),
        ("sgd_reg", "SGDRegressor", {"random_state": 0, "max_iter": 100, "tol": 1e-3, "eta0": 0.001}),
        ("sgd_reg_huber", "SGDRegressor", {"random_state": 0, "loss": "huber", "penalty": "l1", "max_iter": 100, "eta0": 0.001}),
        ("sgd_reg_epsilon", "SGDRegressor", {"random_state": 0, "loss": "epsilon_insensitive", "penalty": "elasticnet", "average": True, "max_iter": 50, "eta0": 0.001}),
        ("sgd_reg_raw", "SGDRegressor", {"random_state": 0, "fit_intercept": False, "learning_rate": "adaptive", "eta0": 0.001, "max_iter": 50}),
        ("linear_svr", "LinearSVR", {"random_state": 0}),
        ("linear_svr_raw", "LinearSVR", {"random_state": 0, "fit_intercept": False, "loss": "squared_epsilon_insensitive"}),
    ):
        add(stem, lambda s, n=name, p=parameters: getattr(s, n)(**p), plain)
    for name in ("MultiTaskLasso", "MultiTaskElasticNet"):
        add(name.lower(), lambda s, n=name: getattr(s, n)(alpha=0.05), lambda rng: regression(rng, 4, 2))
    for name in ("MultiTaskLassoCV", "MultiTaskElasticNetCV"):
        add(name.lower(), lambda s, n=name: getattr(s, n)(cv=3, n_alphas=5), lambda rng: regression(rng, 4, 2))
    add("plssvd", lambda s: s.PLSSVD(n_components=2), lambda rng: regression(rng, 5, 3), methods=["transform"])
    for name in ("PLSRegression", "PLSCanonical", "CCA"):
        add(name.lower(), lambda s, n=name: getattr(s, n)(n_components=2), lambda rng: regression(rng, 5, 3), methods=["predict", "transform"])
        add(name.lower() + "_unscaled", lambda s, n=name: getattr(s, n)(n_components=2, scale=False), lambda rng: regression(rng, 5, 2), methods=["predict", "transform"])
    add("plsregression_one_target", lambda s: s.PLSRegression(n_components=2), lambda rng: regression(rng, 5), methods=["predict", "transform"])


def _column(data):
    data.y = data.y[:, None]
    return data


def _rounded(data):
    data.y = np.round(data.y * 3).astype(int)
    return data


def _logistic(add):
    for style in ("int", "negative", "gaps", "string", "unicode", "float", "bool", "uint8", "int32"):
        add("logreg_binary_" + style, lambda s: s.LogisticRegression(solver="lbfgs"), lambda rng, st=style: classes(rng, 2, 4, st))
        if style != "bool":
            add("logreg_multi_" + style, lambda s: s.LogisticRegression(solver="lbfgs", multi_class="auto"), lambda rng, st=style: classes(rng, 3, 4, st))
            add("logreg_three_" + style, lambda s: s.LogisticRegression(solver="lbfgs"), lambda rng, st=style: classes(rng, 3, 4, st))
    binary = lambda rng: classes(rng, 2, 5, "string")
    multi = lambda rng: classes(rng, 4, 5, "gaps")
    each(
        add, "logreg", "LogisticRegression", binary,
        l1={"penalty": "l1", "solver": "liblinear"}, saga={"penalty": "elasticnet", "solver": "saga", "l1_ratio": 0.4, "max_iter": 300, "random_state": 0},
        raw={"fit_intercept": False, "solver": "lbfgs"}, newton={"solver": "newton-cg"}, sag={"solver": "sag", "max_iter": 300, "random_state": 0},
        dual={"dual": True, "solver": "liblinear", "intercept_scaling": 2.0}, balanced={"class_weight": "balanced", "solver": "lbfgs"},
        none={"penalty": "none", "solver": "lbfgs"}, unpenalised={"penalty": None}, cholesky={"solver": "newton-cholesky"}, default={},
        binary_multinomial={"multi_class": "multinomial", "solver": "lbfgs"}, liblinear={"solver": "liblinear"}, weak={"C": 1e-6, "solver": "lbfgs"},
        strong={"C": 1e6, "solver": "lbfgs", "max_iter": 500}, warm={"warm_start": True, "solver": "lbfgs"}, weights={"class_weight": {"ham": 1, "other": 5}, "solver": "lbfgs"},
        l1_ratio={"l1_ratio": 0.5, "solver": "saga", "C": 0.5},
    )
    each(
        add, "logreg_four", "LogisticRegression", multi,
        ovr={"multi_class": "ovr", "solver": "lbfgs"}, ovr_liblinear={"multi_class": "ovr", "solver": "liblinear"},
        multinomial={"multi_class": "multinomial", "solver": "lbfgs"}, auto_newton={"multi_class": "auto", "solver": "newton-cg"},
        saga_l1={"multi_class": "multinomial", "solver": "saga", "penalty": "l1", "max_iter": 300, "random_state": 0},
        default={}, liblinear={"solver": "liblinear"}, raw_ovr={"multi_class": "ovr", "solver": "sag", "fit_intercept": False, "random_state": 0},
    )
    add("logreg_one_feature", lambda s: s.LogisticRegression(solver="lbfgs"), lambda rng: classes(rng, 2, 1))
    add("logreg_many_features", lambda s: s.LogisticRegression(solver="lbfgs", max_iter=300), lambda rng: classes(rng, 5, 40, n=150, style="unicode"))
    add("logreg_frame", lambda s: s.LogisticRegression(solver="lbfgs"), lambda rng: named(classes(rng, 3, 5, "unicode")))
    add("logreg_float32", lambda s: s.LogisticRegression(solver="lbfgs"), lambda rng: classes(rng, 3, 4, dtype=np.float32), tolerance={"abs": 1e-4, "rel": 1e-3})
    add("logreg_huge", lambda s: s.LogisticRegression(solver="lbfgs"), lambda rng: classes(rng, 3, 4, large=1e6))
    each(
        add, "logreg_cv", "LogisticRegressionCV", binary,
        plain={"cv": 3, "Cs": 3, "solver": "lbfgs"}, l1={"cv": 3, "Cs": 3, "penalty": "l1", "solver": "liblinear"},
        elastic={"cv": 3, "Cs": 2, "penalty": "elasticnet", "solver": "saga", "l1_ratios": [0.2, 0.7], "max_iter": 200},
    )
    each(
        add, "logreg_cv_four", "LogisticRegressionCV", multi,
        ovr={"cv": 3, "Cs": 3, "multi_class": "ovr", "solver": "lbfgs"}, multinomial={"cv": 3, "Cs": 3, "multi_class": "multinomial", "solver": "lbfgs"},
        default={"cv": 3, "Cs": 3}, mean={"cv": 3, "Cs": 3, "refit": False, "solver": "lbfgs"},
    )


def _other_classifiers(add):
    for stem, name, parameters in (
        ("ridge_clf", "RidgeClassifier", {}),
        ("ridge_clf_raw", "RidgeClassifier", {"fit_intercept": False, "alpha": 3.0, "class_weight": "balanced"}),
        ("ridge_clf_cv", "RidgeClassifierCV", {"alphas": (0.1, 1.0)}),
        ("ridge_clf_cv_folds", "RidgeClassifierCV", {"alphas": (0.1, 1.0), "cv": 3}),
        ("perceptron", "Perceptron", {"random_state": 0, "max_iter": 50, "tol": 1e-3}),
        ("perceptron_l2", "Perceptron", {"random_state": 0, "penalty": "l2", "fit_intercept": False, "max_iter": 50}),
        ("passive_aggressive", "PassiveAggressiveClassifier", {"random_state": 0, "max_iter": 50, "tol": 1e-3}),
        ("passive_aggressive_squared", "PassiveAggressiveClassifier", {"random_state": 0, "loss": "squared_hinge", "average": True, "max_iter": 50}),
        ("sgd_hinge", "SGDClassifier", {"random_state": 0, "max_iter": 50, "tol": 1e-3}),
        ("sgd_log_old", "SGDClassifier", {"random_state": 0, "loss": "log", "max_iter": 50}),
        ("sgd_log", "SGDClassifier", {"random_state": 0, "loss": "log_loss", "max_iter": 50}),
        ("sgd_huber", "SGDClassifier", {"random_state": 0, "loss": "modified_huber", "max_iter": 50, "tol": 1e-3}),
        ("sgd_huber_weak", "SGDClassifier", {"random_state": 0, "loss": "modified_huber", "alpha": 50.0, "max_iter": 50}),
        ("sgd_squared_hinge", "SGDClassifier", {"random_state": 0, "loss": "squared_hinge", "penalty": "l1", "max_iter": 50}),
        ("sgd_perceptron", "SGDClassifier", {"random_state": 0, "loss": "perceptron", "penalty": "elasticnet", "average": 10, "max_iter": 50}),
        ("sgd_squared", "SGDClassifier", {"random_state": 0, "loss": "squared_error", "alpha": 0.1, "eta0": 1e-3, "learning_rate": "constant"}),
        ("sgd_squared_old", "SGDClassifier", {"random_state": 0, "loss": "squared_loss", "alpha": 0.1, "eta0": 1e-3, "learning_rate": "constant", "max_iter": 50}),
        ("sgd_epsilon", "SGDClassifier", {"random_state": 0, "loss": "epsilon_insensitive", "max_iter": 50}),
        ("sgd_early", "SGDClassifier", {"random_state": 0, "early_stopping": True, "class_weight": "balanced", "max_iter": 50}),
        ("sgd_adaptive_raw", "SGDClassifier", {"random_state": 0, "learning_rate": "adaptive", "eta0": 0.1, "fit_intercept": False, "max_iter": 50}),
        ("lda", "LinearDiscriminantAnalysis", {}),
        ("lda_lsqr", "LinearDiscriminantAnalysis", {"solver": "lsqr", "shrinkage": "auto"}),
        ("lda_eigen", "LinearDiscriminantAnalysis", {"solver": "eigen", "shrinkage": 0.2}),
        ("lda_components", "LinearDiscriminantAnalysis", {"n_components": 1, "store_covariance": True}),
        ("qda", "QuadraticDiscriminantAnalysis", {}),
        ("qda_reg", "QuadraticDiscriminantAnalysis", {"reg_param": 0.3, "store_covariance": True}),
        ("qda_eigen", "QuadraticDiscriminantAnalysis", {"solver": "eigen", "shrinkage": 0.1}),
    ):
        for tag, data in (
            ("binary", lambda rng: classes(rng, 2, 4, "string")),
            ("multi", lambda rng: classes(rng, 3, 4, "negative")),
        ):
            add(stem + "_" + tag, lambda s, n=name, p=parameters: getattr(s, n)(**p), data)
    add("lda_priors", lambda s: s.LinearDiscriminantAnalysis(priors=[0.2, 0.3, 0.5]), lambda rng: classes(rng, 3, 4, "unicode"))
    add("qda_priors", lambda s: s.QuadraticDiscriminantAnalysis(priors=[0.2, 0.3, 0.5]), lambda rng: classes(rng, 3, 4, "unicode"))
    add("lda_one_feature", lambda s: s.LinearDiscriminantAnalysis(), lambda rng: classes(rng, 2, 1))
    add("qda_one_feature", lambda s: s.QuadraticDiscriminantAnalysis(), lambda rng: classes(rng, 2, 1))
    add("ridge_clf_multilabel", lambda s: s.RidgeClassifier(), lambda rng: multilabel(rng))


def _glm(add):
    positive = lambda rng: regression(rng, 3, positive=True, large=5.0)
    each(add, "poisson_reg", "PoissonRegressor", positive, plain={}, raw={"fit_intercept": False, "alpha": 0.1}, cholesky={"solver": "newton-cholesky"})
    each(add, "gamma_reg", "GammaRegressor", positive, plain={}, alpha={"alpha": 0.01})
    each(
        add, "tweedie_reg", "TweedieRegressor", positive,
        normal={"power": 0}, normal_log={"power": 0, "link": "log"}, compound={"power": 1.5}, gamma={"power": 2, "link": "log"}, gaussian3={"power": 3, "link": "log"},
        identity={"power": 0, "link": "identity"}, poisson={"power": 1, "alpha": 0.5},
    )


def _networks(add):
    for activation in ("relu", "tanh", "logistic", "identity"):
        p = {"hidden_layer_sizes": (8, 5), "activation": activation, "random_state": 0, "max_iter": 60}
        add("mlp_clf_" + activation, lambda s, p=p: s.MLPClassifier(**p), lambda rng: classes(rng, 3, 4, "string"))
        add("mlp_clf_binary_" + activation, lambda s, p=p: s.MLPClassifier(**p), lambda rng: classes(rng, 2, 4, "bool"))
        add("mlp_reg_" + activation, lambda s, p=p: s.MLPRegressor(**p), lambda rng: regression(rng, 4))
    add("mlp_clf_lbfgs", lambda s: s.MLPClassifier(solver="lbfgs", hidden_layer_sizes=6, max_iter=30, random_state=0), lambda rng: classes(rng, 3, 4))
    add("mlp_clf_sgd_early", lambda s: s.MLPClassifier(solver="sgd", hidden_layer_sizes=(6,), early_stopping=True, max_iter=40, random_state=0), lambda rng: classes(rng, 4, 4, "unicode"))
    add("mlp_clf_no_hidden", lambda s: s.MLPClassifier(hidden_layer_sizes=(), max_iter=40, random_state=0), lambda rng: classes(rng, 3, 4))
    add("mlp_clf_multilabel", lambda s: s.MLPClassifier(hidden_layer_sizes=(6,), max_iter=40, random_state=0), lambda rng: multilabel(rng))
    add("mlp_reg_targets", lambda s: s.MLPRegressor(hidden_layer_sizes=(6,), max_iter=40, random_state=0), lambda rng: regression(rng, 4, 2))
    add("mlp_reg_lbfgs", lambda s: s.MLPRegressor(solver="lbfgs", hidden_layer_sizes=(6, 4, 3), max_iter=40, random_state=0), lambda rng: regression(rng, 4))
    add("mlp_reg_poisson", lambda s: s.MLPRegressor(loss="poisson", hidden_layer_sizes=(6,), max_iter=40, random_state=0), lambda rng: regression(rng, 4, positive=True, large=5.0))
    add("mlp_clf_float32", lambda s: s.MLPClassifier(hidden_layer_sizes=(6,), max_iter=40, random_state=0), lambda rng: classes(rng, 3, 4, dtype=np.float32), tolerance={"abs": 1e-5, "rel": 1e-3})
    add("mlp_clf_one_feature", lambda s: s.MLPClassifier(hidden_layer_sizes=(3,), max_iter=40, random_state=0), lambda rng: classes(rng, 2, 1))
    for name in ("logistic", "tanh"):
        add("rbm_pipeline_" + name, lambda s: s.Pipeline([("rbm", s.BernoulliRBM(n_components=5, n_iter=3, random_state=0)), ("lr", s.LogisticRegression(solver="lbfgs"))]), lambda rng: _unit(classes(rng, 2, 5)))


def _unit(data):
    low, high = data.X.min(axis=0), data.X.max(axis=0)
    data.X, data.probe = (data.X - low) / (high - low), np.clip((data.probe - low) / (high - low), 0, 1)
    return data


def _kernels(add):
    kernels = {
        "rbf": lambda s: s.RBF(1.5),
        "rbf_ard": lambda s: s.RBF([0.5, 1.0, 2.0]),
        "constant_rbf_white": lambda s: s.ConstantKernel(2.0) * s.RBF(1.0) + s.WhiteKernel(0.1),
        "matern05": lambda s: s.Matern(1.0, nu=0.5),
        "matern15": lambda s: s.Matern([0.7, 1.0, 1.2], nu=1.5),
        "matern25": lambda s: s.Matern(1.0, nu=2.5),
        "matern_inf": lambda s: s.Matern(1.0, nu=np.inf),
        "rational": lambda s: s.RationalQuadratic(1.0, 0.7),
        "dot": lambda s: s.DotProduct(1.0) + s.WhiteKernel(0.5),
        "periodic": lambda s: s.ExpSineSquared(1.0, 3.0) + s.WhiteKernel(0.5),
        "power": lambda s: s.Exponentiation(s.RationalQuadratic(), 2),
        "default": lambda s: None,
    }
    for tag, kernel in sorted(kernels.items()):
        data = lambda rng: regression(rng, 3, n=30, large=20.0)
        add("gp_reg_" + tag, lambda s, k=kernel: s.GaussianProcessRegressor(kernel=k(s), random_state=0, alpha=1e-3), data)
        add("gp_reg_norm_" + tag, lambda s, k=kernel: s.GaussianProcessRegressor(kernel=k(s), random_state=0, alpha=1e-3, normalize_y=True, optimizer=None), data)
    add("gp_reg_targets", lambda s: s.GaussianProcessRegressor(kernel=s.RBF(1.0), alpha=1e-2, normalize_y=True), lambda rng: regression(rng, 3, 2, n=30))
    add("gp_clf_binary", lambda s: s.GaussianProcessClassifier(kernel=1.0 * s.RBF(1.0), random_state=0), lambda rng: classes(rng, 2, 3, "string", n=40))
    add("gp_clf_multi", lambda s: s.GaussianProcessClassifier(kernel=1.0 * s.RBF(1.0), random_state=0), lambda rng: classes(rng, 3, 3, "string", n=40))
    add("gp_clf_ovo", lambda s: s.GaussianProcessClassifier(kernel=s.Matern(1.0), multi_class="one_vs_one", random_state=0), lambda rng: classes(rng, 3, 3, n=40))
    for kernel in ("linear", "rbf", "poly", "sigmoid", "laplacian", "cosine"):
        add("kernel_ridge_" + kernel, lambda s, k=kernel: s.KernelRidge(kernel=k, alpha=0.5, gamma=0.3), lambda rng: regression(rng, 3, n=40, large=10.0))
    add("kernel_ridge_default", lambda s: s.KernelRidge(), lambda rng: regression(rng, 3, 2, n=40))
