"""Forests, boosting, bagging."""
import numpy as np

from data import classes, multilabel, multioutput_classes, named, regression, with_gaps, frame, Data

from .variants import each


def cases(add):
    _forests(add)
    _boosting(add)
    _histograms(add)
    _bags(add)


def _forests(add):
    small = {"n_estimators": 7, "max_depth": 5, "random_state": 0}
    for name, stem in (("RandomForestClassifier", "rf_clf"), ("ExtraTreesClassifier", "extratrees_clf")):
        for style, count in (("int", 2), ("string", 3), ("negative", 3), ("unicode", 4), ("bool", 2), ("float", 2), ("gaps", 5)):
            add("{}_{}{}".format(stem, style, count), lambda s, n=name: getattr(s, n)(**small), lambda rng, c=count, st=style: classes(rng, c, 4, st))
        each(
            add, stem, name, lambda rng: classes(rng, 3, 5, "string"),
            deep={"n_estimators": 10, "random_state": 0}, entropy=dict(small, criterion="entropy"), log_loss=dict(small, criterion="log_loss"), balanced=dict(small, class_weight="balanced"),
            subsample=dict(small, class_weight="balanced_subsample", bootstrap=True), oob=dict(small, oob_score=True, bootstrap=True, n_estimators=20), no_bootstrap=dict(small, bootstrap=False), leaves={"n_estimators": 6, "max_leaf_nodes": 8, "random_state": 0},
            samples=dict(small, bootstrap=True, max_samples=0.6), auto=dict(small, max_features="auto"), log2=dict(small, max_features="log2"), one={"n_estimators": 1, "random_state": 0}, pruned=dict(small, ccp_alpha=0.02), many={"n_estimators": 100, "max_depth": 3, "random_state": 0},
            warm=dict(small, warm_start=True), jobs=dict(small, n_jobs=2),
        )
        add(stem + "_multioutput", lambda s, n=name: getattr(s, n)(**small), lambda rng: multioutput_classes(rng))
        add(stem + "_multilabel", lambda s, n=name: getattr(s, n)(**small), lambda rng: multilabel(rng))
        add(stem + "_frame", lambda s, n=name: getattr(s, n)(**small), lambda rng: named(classes(rng, 2, 5, "string")))
        add(stem + "_missing", lambda s, n=name: getattr(s, n)(**small), lambda rng: with_gaps(classes(rng, 3, 4, "string"), rng))
        add(stem + "_integers", lambda s, n=name: getattr(s, n)(n_estimators=9, random_state=0), lambda rng: _integers(classes(rng, 2, 4)))
        add(stem + "_one_feature", lambda s, n=name: getattr(s, n)(**small), lambda rng: classes(rng, 2, 1))
    for name, stem in (("RandomForestRegressor", "rf_reg"), ("ExtraTreesRegressor", "extratrees_reg")):
        reg = lambda rng: regression(rng, 4, n=80)
        each(
            add, stem, name, reg,
            plain=dict(small), deep={"n_estimators": 10, "random_state": 0}, mae=dict(small, criterion="mae"), absolute=dict(small, criterion="absolute_error"), auto=dict(small, max_features="auto"),
            oob=dict(small, n_estimators=20, oob_score=True, bootstrap=True), leaves={"n_estimators": 6, "max_leaf_nodes": 8, "random_state": 0}, friedman=dict(small, criterion="friedman_mse"), third=dict(small, max_features=0.34),
        )
        add(stem + "_targets", lambda s, n=name: getattr(s, n)(**small), lambda rng: regression(rng, 4, 3))
        add(stem + "_poisson", lambda s, n=name: getattr(s, n)(criterion="poisson", **small), lambda rng: regression(rng, 4, positive=True))
        add(stem + "_missing", lambda s, n=name: getattr(s, n)(**small), lambda rng: with_gaps(regression(rng, 4), rng))
        add(stem + "_frame", lambda s, n=name: getattr(s, n)(**small), lambda rng: named(regression(rng, 5)))
    add("random_trees_embedding", lambda s: s.RandomTreesEmbedding(n_estimators=4, max_depth=3, random_state=0), lambda rng: _unlabelled(classes(rng, 2, 3)))


def _integers(data):
    data.X, data.probe = np.round(data.X * 2), np.round(data.probe * 2)
    return data


def _unlabelled(data):
    data.y = None
    return data


def _near(data):
    """Without far values, where the initial estimator is so sure that a last digit decides."""
    data.probe = np.clip(data.probe, -10, 10)
    return data


def _boosting(add):
    small = {"n_estimators": 8, "random_state": 0}
    for tag, data in (("binary", lambda rng: classes(rng, 2, 4, "string")), ("multi", lambda rng: classes(rng, 3, 4, "negative"))):
        each(
            add, "gb_clf_" + tag, "GradientBoostingClassifier", data,
            plain=dict(small), deviance=dict(small, loss="deviance"), log_loss=dict(small, loss="log_loss"), exponential=dict(small, loss="exponential"), subsample=dict(small, subsample=0.6, max_depth=2),
            zero=dict(small, init="zero"), rate=dict(small, learning_rate=0.5), early=dict(small, n_iter_no_change=2, n_estimators=60), leaves=dict(small, max_leaf_nodes=5), stump=dict(small, max_depth=1, n_estimators=20), squared=dict(small, criterion="squared_error"),
        )
        near = lambda rng, d=data: _near(d(rng))
        add("gb_clf_init_" + tag, lambda s: s.GradientBoostingClassifier(init=s.LogisticRegression(solver="lbfgs"), **small), near)
        add("gb_clf_init_dummy_" + tag, lambda s: s.GradientBoostingClassifier(init=s.DummyClassifier(strategy="prior"), **small), data)
        each(
            add, "adaboost_clf_" + tag, "AdaBoostClassifier", data,
            plain=dict(small), sammer=dict(small, algorithm="SAMME.R"), samme=dict(small, algorithm="SAMME"), rate=dict(small, learning_rate=0.4), long={"n_estimators": 30, "random_state": 0},
        )
        for algorithm in ("SAMME", "SAMME.R"):
            for keyword in ("estimator", "base_estimator"):
                add("adaboost_clf_{}_depth3_{}_{}".format(tag, algorithm.replace(".", ""), keyword), lambda s, a=algorithm, k=keyword: s.AdaBoostClassifier(algorithm=a, **dict(small, **{k: s.DecisionTreeClassifier(max_depth=3)})), data)
        add("adaboost_clf_logreg_" + tag, lambda s: s.AdaBoostClassifier(s.LogisticRegression(solver="lbfgs"), **small), data)
        add("adaboost_clf_nb_" + tag, lambda s: s.AdaBoostClassifier(s.GaussianNB(), **small), data)
    for style in ("bool", "unicode", "gaps"):
        add("gb_clf_" + style, lambda s: s.GradientBoostingClassifier(**small), lambda rng, st=style: classes(rng, 2, 4, st))
        add("adaboost_clf_" + style, lambda s: s.AdaBoostClassifier(**small), lambda rng, st=style: classes(rng, 2, 4, st))
    add("gb_clf_frame", lambda s: s.GradientBoostingClassifier(**small), lambda rng: named(classes(rng, 3, 5, "string")))
    reg = lambda rng: regression(rng, 4, n=80)
    each(
        add, "gb_reg", "GradientBoostingRegressor", reg,
        plain=dict(small), ls=dict(small, loss="ls"), lad=dict(small, loss="lad"), absolute=dict(small, loss="absolute_error"), huber=dict(small, loss="huber", alpha=0.8), quantile=dict(small, loss="quantile", alpha=0.3),
        zero=dict(small, init="zero"), early=dict(small, n_iter_no_change=2, n_estimators=60), subsample=dict(small, subsample=0.5, learning_rate=0.3), squared=dict(small, loss="squared_error"),
    )
    add("gb_reg_init", lambda s: s.GradientBoostingRegressor(init=s.LinearRegression(), **small), reg)
    add("gb_reg_init_dummy", lambda s: s.GradientBoostingRegressor(init=s.DummyRegressor(strategy="median"), **small), reg)
    add("gb_reg_frame", lambda s: s.GradientBoostingRegressor(**small), lambda rng: named(regression(rng, 5)))
    each(
        add, "adaboost_reg", "AdaBoostRegressor", reg,
        plain=dict(small), square=dict(small, loss="square"), exponential=dict(small, loss="exponential", learning_rate=0.5), long={"n_estimators": 25, "random_state": 0},
    )
    add("adaboost_reg_linear", lambda s: s.AdaBoostRegressor(s.LinearRegression(), **small), reg)


def _histograms(add):
    small = {"max_iter": 8, "min_samples_leaf": 5, "random_state": 0}
    for tag, count, style in (("binary", 2, "string"), ("multi", 3, "negative"), ("bool", 2, "bool"), ("unicode", 4, "unicode")):
        data = lambda rng, c=count, st=style: classes(rng, c, 4, st)
        gaps = lambda rng, c=count, st=style: with_gaps(classes(rng, c, 4, st), rng)
        each(
            add, "hgb_clf_" + tag, "HistGradientBoostingClassifier", data,
            plain=dict(small), depth=dict(small, max_depth=2), leaves=dict(small, max_leaf_nodes=4, learning_rate=0.5), bins=dict(small, max_bins=8), old_loss=dict(small, loss="auto"), log_loss=dict(small, loss="log_loss"), regular=dict(small, l2_regularization=2.0),
        )
        each(add, "hgb_clf_nan_" + tag, "HistGradientBoostingClassifier", gaps, plain=dict(small), deep=dict(small, max_leaf_nodes=None), early=dict(small, early_stopping=True, max_iter=20, n_iter_no_change=2))
    reg = lambda rng: regression(rng, 4, n=80)
    each(
        add, "hgb_reg", "HistGradientBoostingRegressor", reg,
        plain=dict(small), least=dict(small, loss="least_squares"), absolute=dict(small, loss="absolute_error"), quantile=dict(small, loss="quantile", quantile=0.7), squared=dict(small, loss="squared_error"), monotonic=dict(small, monotonic_cst=[1, 0, -1, 0]),
        interactions=dict(small, interaction_cst="no_interactions"), lad=dict(small, loss="least_absolute_deviation"), features=dict(small, max_features=0.5),
    )
    add("hgb_reg_nan", lambda s: s.HistGradientBoostingRegressor(**small), lambda rng: with_gaps(regression(rng, 4, n=80), rng))
    add("hgb_reg_nan_asked", lambda s: s.HistGradientBoostingRegressor(**small), lambda rng: _ask_gaps(regression(rng, 4, n=80), rng))
    add("hgb_reg_poisson", lambda s: s.HistGradientBoostingRegressor(loss="poisson", **small), lambda rng: regression(rng, 4, positive=True))
    add("hgb_reg_gamma", lambda s: s.HistGradientBoostingRegressor(loss="gamma", **small), lambda rng: regression(rng, 4, positive=True))
    add("hgb_reg_frame", lambda s: s.HistGradientBoostingRegressor(**small), lambda rng: named(regression(rng, 5)))
    add("hgb_clf_infinite", lambda s: s.HistGradientBoostingClassifier(**small), lambda rng: _infinite(classes(rng, 2, 4)))
    for tag, chosen in (("index", [1]), ("mask", [False, True, True, False])):
        add("hgb_clf_categorical_" + tag, lambda s, c=chosen: s.HistGradientBoostingClassifier(categorical_features=c, **small), lambda rng: _codes(classes(rng, 3, 4, "string"), rng))
        add("hgb_reg_categorical_" + tag, lambda s, c=chosen: s.HistGradientBoostingRegressor(categorical_features=c, **small), lambda rng: _codes(regression(rng, 4, n=90), rng))
        add("hgb_clf_categorical_nan_" + tag, lambda s, c=chosen: s.HistGradientBoostingClassifier(categorical_features=c, **small), lambda rng: with_gaps(_codes(classes(rng, 2, 4, "string"), rng), rng))
    add("hgb_clf_from_dtype", lambda s: s.HistGradientBoostingClassifier(categorical_features="from_dtype", **small), lambda rng: frame(rng, dtype="category", unseen=False))
    add("hgb_reg_from_dtype", lambda s: s.HistGradientBoostingRegressor(categorical_features="from_dtype", **small), lambda rng: frame(rng, dtype="category", unseen=False, target="number"))
    add("hgb_clf_by_name", lambda s: s.HistGradientBoostingClassifier(categorical_features=["visits"], **small), lambda rng: _numbers(frame(rng)))


def _numbers(data):
    data.X, data.probe = data.X[["age", "income", "visits"]], data.probe[["age", "income", "visits"]]
    return data


def _codes(data, rng):
    """Columns 1 and 2 are codes of categories; asked about codes that were not seen too."""
    data.X = data.X.copy()
    data.X[:, 1], data.X[:, 2] = rng.randint(0, 40, len(data.X)), rng.randint(0, 5, len(data.X))
    data.probe = data.probe.copy()
    data.probe[:, 1], data.probe[:, 2] = rng.randint(0, 40, len(data.probe)), rng.randint(0, 5, len(data.probe))
    data.probe[0, 1], data.probe[1, 2] = 45, 7
    data.thresholds = True
    return data


def _ask_gaps(data, rng):
    data.probe = with_gaps(data, rng).probe
    return data


def _infinite(data):
    data.probe = data.probe.copy()
    data.probe[0, 0], data.probe[1, 1] = np.inf, -np.inf
    return data


def _bags(add):
    small = {"n_estimators": 5, "random_state": 0}
    clf, reg = (lambda rng: classes(rng, 3, 4, "string")), (lambda rng: regression(rng, 4))
    each(add, "bagging_clf", "BaggingClassifier", clf, plain=dict(small), features=dict(small, max_features=0.5, max_samples=0.7), repeated=dict(small, bootstrap_features=True), oob=dict(small, n_estimators=20, oob_score=True))
    each(add, "bagging_reg", "BaggingRegressor", reg, plain=dict(small), features=dict(small, max_features=2, max_samples=30), repeated=dict(small, bootstrap_features=True, bootstrap=False))
    for tag, name in (("svc", "SVC"), ("knn", "KNeighborsClassifier"), ("logreg", "LogisticRegression"), ("ridge", "RidgeClassifier"), ("linear_svc", "LinearSVC"), ("nb", "GaussianNB")):
        add("bagging_clf_" + tag, lambda s, n=name: s.BaggingClassifier(getattr(s, n)(), **small), clf)
        add("bagging_clf_binary_" + tag, lambda s, n=name: s.BaggingClassifier(getattr(s, n)(), **small), lambda rng: classes(rng, 2, 4, "gaps"))
    for keyword in ("estimator", "base_estimator"):
        add("bagging_clf_" + keyword, lambda s, k=keyword: s.BaggingClassifier(**dict(small, **{k: s.DecisionTreeClassifier(max_depth=3)})), clf)
    add("bagging_reg_svr", lambda s: s.BaggingRegressor(s.SVR(gamma="scale"), **small), reg)
    add("bagging_reg_linear", lambda s: s.BaggingRegressor(s.LinearRegression(), max_features=3, **small), reg)
    add("bagging_clf_pipeline", lambda s: s.BaggingClassifier(s.Pipeline([("s", s.StandardScaler()), ("c", s.LogisticRegression(solver="lbfgs"))]), **small), clf)
