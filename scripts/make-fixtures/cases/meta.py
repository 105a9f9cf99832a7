"""Estimators that hold others: voting, stacking, calibration, many outputs, many classes, searches."""
import numpy as np

from data import classes, multilabel, multioutput_classes, named, regression, frame


def _three(s):
    return [("lr", s.LogisticRegression(solver="lbfgs")), ("nb", s.GaussianNB()), ("tree", s.DecisionTreeClassifier(max_depth=3, random_state=0))]


def _three_regressors(s):
    return [("lin", s.LinearRegression()), ("tree", s.DecisionTreeRegressor(max_depth=3, random_state=0)), ("knn", s.KNeighborsRegressor(3))]


def cases(add):
    _votes(add)
    _stacks(add)
    _calibration(add)
    _outputs(add)
    _searches(add)


def _votes(add):
    for style, count in (("string", 2), ("negative", 3), ("unicode", 4), ("bool", 2)):
        tag, data = "{}{}".format(style, count), lambda rng, c=count, st=style: classes(rng, c, 4, st)
        for voting in ("hard", "soft"):
            add("voting_{}_{}".format(voting, tag), lambda s, v=voting: s.VotingClassifier(_three(s), voting=v), data)
            add("voting_{}_weights_{}".format(voting, tag), lambda s, v=voting: s.VotingClassifier(_three(s), voting=v, weights=[2, 1, 3.5]), data)
    multi = lambda rng: classes(rng, 3, 4, "string")
    add("voting_soft_unflat", lambda s: s.VotingClassifier(_three(s), voting="soft", flatten_transform=False), multi, methods=["predict", "predict_proba"])
    add("voting_dropped", lambda s: s.VotingClassifier(_three(s), voting="soft").set_params(nb="drop"), multi)
    add("voting_none", lambda s: s.VotingClassifier(_three(s), voting="soft").set_params(nb=None), multi)
    add("voting_hard_forests", lambda s: s.VotingClassifier([("rf", s.RandomForestClassifier(5, random_state=0)), ("svc", s.SVC(gamma="scale")), ("gb", s.GradientBoostingClassifier(n_estimators=4))]), multi)
    add("voting_frame", lambda s: s.VotingClassifier(_three(s), voting="soft"), lambda rng: named(classes(rng, 3, 4, "string")))
    reg = lambda rng: regression(rng, 4)
    add("voting_reg", lambda s: s.VotingRegressor(_three_regressors(s)), reg)
    add("voting_reg_weights", lambda s: s.VotingRegressor(_three_regressors(s), weights=[1, 2, 0.5]), reg)
    add("voting_reg_dropped", lambda s: s.VotingRegressor(_three_regressors(s)).set_params(tree="drop"), reg)


def _stacks(add):
    for style, count in (("string", 2), ("negative", 3), ("bool", 2)):
        tag, data = "{}{}".format(style, count), lambda rng, c=count, st=style: classes(rng, c, 4, st)
        for method in ("auto", "predict_proba", "predict"):
            add("stacking_{}_{}".format(method, tag), lambda s, m=method: s.StackingClassifier(_three(s), stack_method=m, cv=3), data if method != "predict" else lambda rng, c=count: classes(rng, c, 4, "int"))
        add("stacking_decision_" + tag, lambda s: s.StackingClassifier([("svc", s.LinearSVC(random_state=0)), ("ridge", s.RidgeClassifier())], s.LogisticRegression(), cv=3), data)
        add("stacking_passthrough_" + tag, lambda s: s.StackingClassifier(_three(s), s.RandomForestClassifier(5, max_depth=3, random_state=0), passthrough=True, cv=3), data)
        add("stacking_dropped_" + tag, lambda s: s.StackingClassifier(_three(s), cv=3).set_params(lr="drop"), data)
        add("stacking_prefit_" + tag, lambda s: s.StackingClassifier([(n, _prefit(e)) for n, e in _three(s)], cv="prefit"), data)
    reg = lambda rng: regression(rng, 4)
    add("stacking_reg", lambda s: s.StackingRegressor(_three_regressors(s), cv=3), reg)
    add("stacking_reg_passthrough", lambda s: s.StackingRegressor(_three_regressors(s), s.Ridge(), passthrough=True, cv=3), reg)
    add("stacking_reg_forest", lambda s: s.StackingRegressor(_three_regressors(s), s.RandomForestRegressor(5, random_state=0), cv=3), reg)


def _prefit(estimator):
    rng = np.random.RandomState(3)
    return estimator.fit(rng.randn(40, 4), np.arange(40) % 2)


def _calibration(add):
    for style, count in (("string", 2), ("negative", 3), ("bool", 2), ("unicode", 4)):
        tag, data = "{}{}".format(style, count), lambda rng, c=count, st=style: classes(rng, c, 4, st, n=120)
        for method in ("sigmoid", "isotonic", "temperature"):
            for name in ("LinearSVC", "GaussianNB", "RandomForestClassifier", "SVC", "LogisticRegression"):
                def build(s, m=method, n=name, **more):
                    more.update({"LinearSVC": {"random_state": 0}, "RandomForestClassifier": {"n_estimators": 5, "max_depth": 3, "random_state": 0}, "SVC": {"gamma": "scale"}, "LogisticRegression": {"solver": "lbfgs"}}.get(n, {}))
                    return s.CalibratedClassifierCV(getattr(s, n)(**more), method=m, cv=3)

                add("calibrated_{}_{}_{}".format(method, name.lower(), tag), build, data)
            add("calibrated_{}_together_{}".format(method, tag), lambda s, m=method: s.CalibratedClassifierCV(s.GaussianNB(), method=m, cv=3, ensemble=False), data)
    add("calibrated_default", lambda s: s.CalibratedClassifierCV(cv=3), lambda rng: classes(rng, 3, 4, "string"))

    def prefit(s):
        rng = np.random.RandomState(3)
        return s.CalibratedClassifierCV(s.LogisticRegression(solver="lbfgs").fit(rng.randn(40, 4), np.arange(40) % 2), cv="prefit")

    add("calibrated_prefit", prefit, lambda rng: classes(rng, 2, 4, "int"))

    def frozen(s):
        from sklearn.frozen import FrozenEstimator

        rng = np.random.RandomState(3)
        return s.CalibratedClassifierCV(FrozenEstimator(s.LogisticRegression().fit(rng.randn(40, 4), np.arange(40) % 2)))

    add("calibrated_frozen", frozen, lambda rng: classes(rng, 2, 4, "int"))
    for tag, parameters in (("plain", {}), ("clip", {"out_of_bounds": "clip"}), ("falling", {"increasing": False, "out_of_bounds": "clip"}), ("bounds", {"y_min": 0.0, "y_max": 1.0, "out_of_bounds": "clip"}), ("auto", {"increasing": "auto"})):
        add("isotonic_" + tag, lambda s, p=parameters: s.IsotonicRegression(**p), lambda rng: regression(rng, 1))


def _outputs(add):
    many = lambda rng: regression(rng, 4, 3)
    for tag, name in (("ridge", "Ridge"), ("gb", "GradientBoostingRegressor"), ("svr", "SVR"), ("rf", "RandomForestRegressor")):
        more = {"n_estimators": 4, "random_state": 0} if tag in ("gb", "rf") else {}
        add("multioutput_reg_" + tag, lambda s, n=name, m=more: s.MultiOutputRegressor(getattr(s, n)(**m)), many)
    add("regressor_chain", lambda s: s.RegressorChain(s.Ridge()), many)
    add("regressor_chain_order", lambda s: s.RegressorChain(s.DecisionTreeRegressor(max_depth=3, random_state=0), order=[2, 0, 1]), many)
    add("classifier_chain", lambda s: s.ClassifierChain(s.LogisticRegression(solver="lbfgs"), order=[1, 2, 0]), multilabel)
    add("multioutput_clf_logreg", lambda s: s.MultiOutputClassifier(s.LogisticRegression(solver="lbfgs")), multioutput_classes)
    add("multioutput_clf_rf", lambda s: s.MultiOutputClassifier(s.RandomForestClassifier(n_estimators=4, random_state=0)), multilabel)
    add("multioutput_clf_knn", lambda s: s.MultiOutputClassifier(s.KNeighborsClassifier(3)), multilabel)
    for style, count in (("string", 3), ("negative", 4), ("int", 2), ("unicode", 3), ("bool", 2)):
        tag, data = "{}{}".format(style, count), lambda rng, c=count, st=style: classes(rng, c, 4, st, spread=0.8)
        for name in ("LogisticRegression", "LinearSVC", "DecisionTreeClassifier", "GaussianNB", "SVC"):
            more = {"DecisionTreeClassifier": {"max_depth": 3, "random_state": 0}, "LinearSVC": {"random_state": 0}, "SVC": {"gamma": "scale"}, "LogisticRegression": {"solver": "lbfgs"}}.get(name, {})
            add("ovr_{}_{}".format(name.lower(), tag), lambda s, n=name, m=more: s.OneVsRestClassifier(getattr(s, n)(**m)), data)
            add("ovo_{}_{}".format(name.lower(), tag), lambda s, n=name, m=more: s.OneVsOneClassifier(getattr(s, n)(**m)), data)
        add("output_code_" + tag, lambda s: s.OutputCodeClassifier(s.LogisticRegression(solver="lbfgs"), code_size=2, random_state=0), data)
    add("ovr_multilabel", lambda s: s.OneVsRestClassifier(s.LogisticRegression(solver="lbfgs")), multilabel)
    add("ovr_multilabel_svc", lambda s: s.OneVsRestClassifier(s.LinearSVC(random_state=0)), multilabel)
    add("ovr_constant_label", lambda s: s.OneVsRestClassifier(s.LogisticRegression(solver="lbfgs")), lambda rng: _constant_label(multilabel(rng)))
    for tag, make in (
        ("log", lambda s: s.TransformedTargetRegressor(s.Ridge(), func=np.log, inverse_func=np.exp)),
        ("log1p", lambda s: s.TransformedTargetRegressor(s.LinearRegression(), func=np.log1p, inverse_func=np.expm1)),
        ("sqrt", lambda s: s.TransformedTargetRegressor(s.LinearRegression(), func=np.sqrt, inverse_func=np.square, check_inverse=False)),
        ("scaler", lambda s: s.TransformedTargetRegressor(s.SVR(gamma="scale"), transformer=s.StandardScaler())),
        ("minmax", lambda s: s.TransformedTargetRegressor(s.Ridge(), transformer=s.MinMaxScaler())),
        ("quantile", lambda s: s.TransformedTargetRegressor(s.Ridge(), transformer=s.QuantileTransformer(n_quantiles=20, output_distribution="normal"))),
        ("power", lambda s: s.TransformedTargetRegressor(s.Ridge(), transformer=s.PowerTransformer())),
        ("boxcox", lambda s: s.TransformedTargetRegressor(s.Ridge(), transformer=s.PowerTransformer("box-cox"))),
        ("plain", lambda s: s.TransformedTargetRegressor(s.Ridge())),
        ("robust", lambda s: s.TransformedTargetRegressor(s.Ridge(), transformer=s.RobustScaler())),
    ):
        add("transformed_target_" + tag, make, lambda rng: regression(rng, 4, positive=True, large=5.0))
    add("transformed_target_many", lambda s: s.TransformedTargetRegressor(s.Ridge(), transformer=s.StandardScaler()), many)


def _constant_label(data):
    data.y = data.y.copy()
    data.y[:, 1] = 1
    return data


def _searches(add):
    clf, reg = (lambda rng: classes(rng, 3, 4, "string")), (lambda rng: regression(rng, 4))
    add("grid_search_svc", lambda s: s.GridSearchCV(s.SVC(gamma="scale", probability=True, random_state=0), {"C": [0.1, 1.0], "kernel": ["linear", "rbf"]}, cv=3), clf)
    add("grid_search_rf", lambda s: s.GridSearchCV(s.RandomForestClassifier(n_estimators=4, random_state=0), {"max_depth": [2, 4]}, cv=3), clf)
    add("grid_search_pipeline", lambda s: s.GridSearchCV(s.Pipeline([("s", s.StandardScaler()), ("c", s.LogisticRegression(solver="lbfgs"))]), {"c__C": [0.1, 1.0]}, cv=3, scoring="accuracy"), clf)
    add("grid_search_scorers", lambda s: s.GridSearchCV(s.LogisticRegression(solver="lbfgs"), {"C": [0.1, 1.0]}, cv=3, scoring=["accuracy", "f1_macro"], refit="f1_macro"), clf)
    add("grid_search_folds", lambda s: s.GridSearchCV(s.LogisticRegression(solver="lbfgs"), {"C": np.logspace(-1, 1, 3)}, cv=s.StratifiedKFold(3, shuffle=True, random_state=1), return_train_score=True), clf)
    add("grid_search_knn", lambda s: s.GridSearchCV(s.KNeighborsClassifier(), {"n_neighbors": range(1, 6, 2), "weights": ["uniform", "distance"]}, cv=3), clf)
    add("random_search_ridge", lambda s: s.RandomizedSearchCV(s.Ridge(), {"alpha": [0.1, 1.0, 10.0]}, n_iter=2, cv=3, random_state=0, scoring="neg_mean_squared_error"), reg)

    def uniform(s):
        import scipy.stats

        return s.RandomizedSearchCV(s.RandomForestRegressor(n_estimators=4, random_state=0), {"max_depth": scipy.stats.randint(2, 6), "min_samples_split": scipy.stats.uniform(0.01, 0.2)}, n_iter=2, cv=3, random_state=0)

    add("random_search_scipy", uniform, reg)
    add("halving_grid_search", lambda s: s.HalvingGridSearchCV(s.LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=3, random_state=0), clf)
    add("halving_random_search", lambda s: s.HalvingRandomSearchCV(s.DecisionTreeClassifier(random_state=0), {"max_depth": [2, 3, 4]}, cv=3, random_state=0), clf)

    def scorer(s):
        from sklearn.metrics import f1_score, make_scorer

        return s.GridSearchCV(s.DecisionTreeClassifier(random_state=0), {"max_depth": [2, 3]}, cv=3, scoring=make_scorer(f1_score, average="macro"))

    add("grid_search_make_scorer", scorer, clf)
    add("grid_search_kfold_repeated", lambda s: s.GridSearchCV(s.Ridge(), {"alpha": [1, 2]}, cv=s.RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)), reg)
    add("tuned_threshold", lambda s: s.TunedThresholdClassifierCV(s.LogisticRegression(), cv=3, random_state=0), lambda rng: classes(rng, 2, 4, "string"))
    add("fixed_threshold", lambda s: s.FixedThresholdClassifier(s.LogisticRegression(), threshold=0.3), lambda rng: classes(rng, 2, 4, "string"))
    add("self_training", lambda s: s.SelfTrainingClassifier(s.LogisticRegression()), lambda rng: _half_labelled(classes(rng, 2, 4)))
    add("label_propagation", lambda s: s.LabelPropagation(gamma=0.5), lambda rng: _half_labelled(classes(rng, 2, 4)))
    add("label_spreading", lambda s: s.LabelSpreading(kernel="knn", n_neighbors=5), lambda rng: _half_labelled(classes(rng, 2, 4)))


def _half_labelled(data):
    data.y = data.y.copy()
    data.y[::3] = -1
    return data
