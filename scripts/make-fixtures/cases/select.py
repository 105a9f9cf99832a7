"""Feature selection."""
import numpy as np

from data import classes, counts, named, regression

from .variants import each


def cases(add):
    clf, reg = (lambda rng: classes(rng, 3, 6, "string")), (lambda rng: regression(rng, 6))

    def scored(name):
        def find(s):
            import sklearn.feature_selection as module

            return getattr(module, name)

        return find

    for name, data in (("f_classif", clf), ("chi2", lambda rng: counts(rng, 2, 6)), ("f_regression", reg), ("mutual_info_classif", clf), ("mutual_info_regression", reg)):
        f = scored(name)
        add("select_kbest_" + name, lambda s, f=f: s.SelectKBest(f(s), k=3), data)
        add("select_percentile_" + name, lambda s, f=f: s.SelectPercentile(f(s), percentile=40), data)
    f = scored("f_classif")
    add("select_kbest_all", lambda s: s.SelectKBest(f(s), k="all"), clf)
    add("select_kbest_default", lambda s: s.SelectKBest(k=2), clf)
    add("select_kbest_frame", lambda s: s.SelectKBest(k=2), lambda rng: named(classes(rng, 3, 6)))
    add("select_kbest_ties", lambda s: s.SelectKBest(k=2), lambda rng: _twins(classes(rng, 3, 6)))
    for name in ("SelectFpr", "SelectFdr", "SelectFwe"):
        add(name.lower(), lambda s, n=name: getattr(s, n)(f(s), alpha=0.05), clf)
    for mode, value in (("k_best", 2), ("percentile", 30), ("fpr", 0.1), ("fdr", 0.1), ("fwe", 0.1)):
        add("generic_select_" + mode, lambda s, m=mode, v=value: s.GenericUnivariateSelect(f(s), mode=m, param=v), clf)
    each(add, "variance_threshold", "VarianceThreshold", lambda rng: _constant(classes(rng, 2, 6)), plain={}, some={"threshold": 1.0})
    for tag, parameters in (("plain", {}), ("median", {"threshold": "median"}), ("scaled", {"threshold": "1.25*mean"}), ("number", {"threshold": 0.2}), ("features", {"max_features": 2, "threshold": -np.inf}), ("norm", {"norm_order": 2})):
        add("select_from_model_" + tag, lambda s, p=parameters: s.SelectFromModel(s.LogisticRegression(solver="lbfgs"), **p), clf)
    add("select_from_model_l1", lambda s: s.SelectFromModel(s.LinearSVC(C=0.05, penalty="l1", dual=False, random_state=0)), clf)
    add("select_from_model_lasso", lambda s: s.SelectFromModel(s.Lasso(alpha=0.5)), reg)
    add("select_from_model_forest", lambda s: s.SelectFromModel(s.RandomForestClassifier(n_estimators=5, random_state=0)), clf)
    add("select_from_model_prefit", lambda s: s.SelectFromModel(_fitted(s), prefit=True), clf)
    add("select_from_model_getter", lambda s: s.SelectFromModel(s.Pipeline([("a", s.StandardScaler()), ("b", s.LogisticRegression())]), importance_getter="named_steps.b.coef_"), clf)
    for tag, make in (
        ("logreg", lambda s: s.RFE(s.LogisticRegression(solver="lbfgs"), n_features_to_select=3)),
        ("svm", lambda s: s.RFE(s.SVC(kernel="linear"), n_features_to_select=2, step=2)),
        ("forest", lambda s: s.RFE(s.RandomForestClassifier(n_estimators=4, random_state=0), n_features_to_select=3)),
        ("tree", lambda s: s.RFE(s.DecisionTreeClassifier(random_state=0), n_features_to_select=0.5)),
        ("cv", lambda s: s.RFECV(s.LogisticRegression(solver="lbfgs"), cv=3)),
    ):
        add("rfe_" + tag, make, clf)
    add("rfe_reg", lambda s: s.RFE(s.Ridge(), n_features_to_select=3), reg)
    add("sequential_forward", lambda s: s.SequentialFeatureSelector(s.Ridge(), n_features_to_select=2, cv=3), reg)
    add("sequential_backward", lambda s: s.SequentialFeatureSelector(s.LogisticRegression(), n_features_to_select=3, direction="backward", cv=3), clf)


def _twins(data):
    data.X = np.hstack([data.X[:, :3], data.X[:, :3]])
    return data


def _constant(data):
    data.X = data.X.copy()
    data.X[:, 1] = 3.0
    data.X[:, 4] *= 0.1
    return data


def _fitted(s):
    rng = np.random.RandomState(5)
    X = rng.randn(50, 6)
    return s.LogisticRegression(solver="lbfgs").fit(X, X[:, 0] + X[:, 3] > 0)
