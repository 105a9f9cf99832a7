"""Pipelines, unions, column transformers."""
import numpy as np

from data import classes, counts, frame, named, regression, with_gaps, Data


def cases(add):
    _pipelines(add)
    _unions(add)
    _columns(add)
    _tables(add)
    _containers(add)


def _pipelines(add):
    clf, reg = (lambda rng: classes(rng, 3, 4, "string")), (lambda rng: regression(rng, 4))
    logreg = lambda s: s.LogisticRegression(solver="lbfgs")
    for tag, steps in (
        ("scaler_logreg", lambda s: [s.StandardScaler(), logreg(s)]),
        ("minmax_knn", lambda s: [s.MinMaxScaler(), s.KNeighborsClassifier(3)]),
        ("robust_svc", lambda s: [s.RobustScaler(), s.SVC(gamma="scale")]),
        ("scaler_svc_proba", lambda s: [s.StandardScaler(), s.SVC(gamma="scale", probability=True, random_state=0)]),
        ("pca_logreg", lambda s: [s.StandardScaler(), s.PCA(2), logreg(s)]),
        ("poly_logreg", lambda s: [s.StandardScaler(), s.PolynomialFeatures(2), logreg(s)]),
        ("select_forest", lambda s: [s.SelectKBest(k=2), s.RandomForestClassifier(n_estimators=5, random_state=0)]),
        ("scaler_forest", lambda s: [s.StandardScaler(), s.RandomForestClassifier(n_estimators=5, random_state=0)]),
        ("scaler_gb", lambda s: [s.StandardScaler(), s.GradientBoostingClassifier(n_estimators=5, random_state=0)]),
        ("scaler_mlp", lambda s: [s.StandardScaler(), s.MLPClassifier((5,), max_iter=40, random_state=0)]),
        ("scaler_nb", lambda s: [s.StandardScaler(), s.GaussianNB()]),
        ("normalizer_svc", lambda s: [s.Normalizer(), s.LinearSVC(random_state=0)]),
        ("kbins_bernoulli", lambda s: [s.KBinsDiscretizer(3), s.BernoulliNB()]),
        ("quantile_lda", lambda s: [s.QuantileTransformer(n_quantiles=20, random_state=0), s.LinearDiscriminantAnalysis()]),
        ("power_ridge_clf", lambda s: [s.PowerTransformer(), s.RidgeClassifier()]),
        ("lda_knn", lambda s: [s.LinearDiscriminantAnalysis(n_components=1), s.KNeighborsClassifier(3)]),
        ("kmeans_logreg", lambda s: [s.KMeans(4, random_state=0, n_init=1), logreg(s)]),
        ("select_from_model", lambda s: [s.SelectFromModel(s.RandomForestClassifier(n_estimators=5, random_state=0)), logreg(s)]),
        ("two_scalers", lambda s: [s.MinMaxScaler(), s.StandardScaler(), s.SGDClassifier(random_state=0, max_iter=20)]),
        ("scaler_hgb", lambda s: [s.StandardScaler(), s.HistGradientBoostingClassifier(max_iter=4)]),
        ("ends_in_scaler", lambda s: [s.PCA(2), s.StandardScaler()]),
        ("isolation", lambda s: [s.StandardScaler(), s.IsolationForest(n_estimators=5, random_state=0)]),
        ("kmeans", lambda s: [s.StandardScaler(), s.KMeans(3, random_state=0, n_init=1)]),
    ):
        add("pipeline_" + tag, lambda s, f=steps: s.make_pipeline(*f(s)), clf)
    for tag, steps in (
        ("scaler_ridge", lambda s: [s.StandardScaler(), s.Ridge()]),
        ("poly_linreg", lambda s: [s.PolynomialFeatures(2), s.LinearRegression()]),
        ("scaler_svr", lambda s: [s.StandardScaler(), s.SVR(gamma="scale")]),
        ("spline_ridge", lambda s: [s.SplineTransformer(), s.Ridge()]),
        ("scaler_knn", lambda s: [s.StandardScaler(), s.KNeighborsRegressor(3, weights="distance")]),
        ("scaler_mlp_reg", lambda s: [s.StandardScaler(), s.MLPRegressor((5,), max_iter=40, random_state=0)]),
        ("exp_ridge", lambda s: [s.MinMaxScaler(), s.FunctionTransformer(np.exp, validate=True), s.Ridge()]),
        ("imputer_tree", lambda s: [s.SimpleImputer(), s.DecisionTreeRegressor(max_depth=3)]),
    ):
        tame = tag in ("poly_linreg", "spline_ridge", "exp_ridge")
        add("pipeline_" + tag, lambda s, f=steps: s.make_pipeline(*f(s)), (lambda rng: _tame(regression(rng, 4))) if tame else reg)
    for step in ("passthrough", None):
        tag = "none" if step is None else step
        add("pipeline_middle_" + tag, lambda s, st=step: s.Pipeline([("a", s.StandardScaler()), ("b", st), ("c", logreg(s))]), clf)
        add("pipeline_last_" + tag, lambda s, st=step: s.Pipeline([("a", s.StandardScaler()), ("b", st)]), clf)
        add("pipeline_first_" + tag, lambda s, st=step: s.Pipeline([("a", st), ("b", s.StandardScaler()), ("c", logreg(s))]), clf)
    add("pipeline_nested", lambda s: s.Pipeline([("pre", s.Pipeline([("a", s.StandardScaler()), ("b", s.Pipeline([("p", s.PCA(3))]))])), ("c", logreg(s))]), clf)
    add("pipeline_single", lambda s: s.Pipeline([("only", logreg(s))]), clf)
    add("pipeline_single_scaler", lambda s: s.Pipeline([("only", s.StandardScaler())]), clf)
    add("pipeline_memory", lambda s: s.Pipeline([("a", s.StandardScaler()), ("c", logreg(s))], verbose=True), clf)
    add("pipeline_frame", lambda s: s.make_pipeline(s.StandardScaler(), logreg(s)), lambda rng: named(classes(rng, 2, 5, "bool")))
    add("pipeline_imputer_frame", lambda s: s.make_pipeline(s.SimpleImputer(strategy="median", add_indicator=True), s.StandardScaler(), logreg(s)), lambda rng: named(with_gaps(classes(rng, 2, 5), rng)))
    add("pipeline_knn_imputer", lambda s: s.make_pipeline(s.StandardScaler(), s.KNNImputer(n_neighbors=3), s.RandomForestClassifier(n_estimators=5, random_state=0)), lambda rng: with_gaps(classes(rng, 2, 4, "string"), rng))
    add("pipeline_multinomial", lambda s: s.make_pipeline(s.SelectKBest(k=3), s.MultinomialNB()), lambda rng: counts(rng, 3, 6, "unicode"))
    add("pipeline_stack_of_pipelines", lambda s: s.VotingClassifier([("a", s.make_pipeline(s.StandardScaler(), logreg(s))), ("b", s.make_pipeline(s.MinMaxScaler(), s.KNeighborsClassifier(3)))], voting="soft"), clf)
    add("pipeline_calibrated", lambda s: s.make_pipeline(s.StandardScaler(), s.CalibratedClassifierCV(s.LinearSVC(random_state=0), cv=3)), clf)
    add("pipeline_output_pandas", lambda s: s.make_pipeline(s.StandardScaler(), logreg(s)).set_output(transform="pandas"), lambda rng: named(classes(rng, 2, 4)))


def _tame(data):
    data.probe = np.clip(data.probe, -10, 10)
    return data


def _unions(add):
    clf = lambda rng: classes(rng, 3, 4, "string")
    add("union_plain", lambda s: s.FeatureUnion([("a", s.StandardScaler()), ("b", s.PCA(2))]), clf)
    add("union_weights", lambda s: s.FeatureUnion([("a", s.StandardScaler()), ("b", s.MinMaxScaler())], transformer_weights={"a": 2.0, "b": -0.5}), clf)
    for step in ("drop", "passthrough", None):
        add("union_{}".format(step), lambda s, st=step: s.FeatureUnion([("a", s.StandardScaler()), ("b", st), ("c", s.PCA(2))]), clf)
    add("union_pipeline", lambda s: s.Pipeline([("u", s.FeatureUnion([("a", s.StandardScaler()), ("p", s.Pipeline([("s", s.MinMaxScaler()), ("k", s.SelectKBest(k=2))]))])), ("c", s.LogisticRegression(solver="lbfgs"))]), clf)
    add("union_nested", lambda s: s.FeatureUnion([("a", s.FeatureUnion([("x", s.StandardScaler()), ("y", s.PCA(1))])), ("b", s.KBinsDiscretizer(3))]), clf)


def _columns(add):
    clf = lambda rng: classes(rng, 2, 5, "string")
    scaler = lambda s: s.StandardScaler()
    for tag, columns in (("list", [0, 2]), ("slice", slice(1, 4)), ("open_slice", slice(3, None)), ("mask", [True, False, False, True, False]), ("array_mask", np.array([True, False, False, True, False])), ("array", np.array([0, 3])), ("scalar_negative", [-1, 0]), ("step", slice(0, 5, 2)), ("twice", [1, 1, 0]), ("none", [])):
        for remainder in ("drop", "passthrough"):
            add("columns_{}_{}".format(tag, remainder), lambda s, c=columns, r=remainder: s.ColumnTransformer([("a", scaler(s), c)], remainder=r), clf)
    add("columns_remainder_estimator", lambda s: s.ColumnTransformer([("a", scaler(s), [0, 2])], remainder=s.MinMaxScaler()), clf)
    add("columns_parts", lambda s: s.ColumnTransformer([("a", scaler(s), [0]), ("b", "passthrough", [2]), ("c", "drop", [3]), ("d", s.PolynomialFeatures(2), [1, 4])], remainder="passthrough"), clf)
    add("columns_weights", lambda s: s.ColumnTransformer([("a", scaler(s), [0, 1]), ("b", s.MinMaxScaler(), [2, 3])], transformer_weights={"a": 3.0}), clf)
    add("columns_overlap", lambda s: s.ColumnTransformer([("a", scaler(s), [0, 1]), ("b", s.MinMaxScaler(), [1, 2])], remainder="passthrough"), clf)
    add("columns_nested", lambda s: s.ColumnTransformer([("a", s.ColumnTransformer([("x", scaler(s), [0])], remainder="passthrough"), [1, 2]), ("b", s.MinMaxScaler(), [4])]), clf)
    add("columns_kbins_sparse", lambda s: s.ColumnTransformer([("a", s.KBinsDiscretizer(3), [0, 1]), ("b", scaler(s), [2])], sparse_threshold=1.0), clf)
    add("columns_callable", lambda s: s.ColumnTransformer([("a", scaler(s), s.make_column_selector(dtype_include=np.number))], remainder="drop"), lambda rng: named(classes(rng, 2, 4)))
    add("columns_after_scaler", lambda s: s.Pipeline([("s", scaler(s)), ("c", s.ColumnTransformer([("p", s.PCA(1), [0, 1])], remainder="passthrough")), ("l", s.LogisticRegression(solver="lbfgs"))]), clf)


NUMBERS, TEXTS = ["age", "income"], ["city", "sex"]


def _prepare(s, numbers=NUMBERS, texts=TEXTS, remainder="drop", **onehot):
    onehot = onehot or {"handle_unknown": "ignore"}
    return s.ColumnTransformer(
        [("num", s.Pipeline([("i", s.SimpleImputer(strategy="median")), ("s", s.StandardScaler())]), numbers), ("cat", s.OneHotEncoder(**onehot), texts)], remainder=remainder
    )


def _tables(add):
    for tag, name, parameters in (
        ("logreg", "LogisticRegression", {"solver": "lbfgs"}),
        ("forest", "RandomForestClassifier", {"n_estimators": 5, "random_state": 0}),
        ("gb", "GradientBoostingClassifier", {"n_estimators": 5, "random_state": 0}),
        ("svc", "SVC", {"gamma": "scale", "probability": True, "random_state": 0}),
        ("knn", "KNeighborsClassifier", {"n_neighbors": 3}),
        ("tree", "DecisionTreeClassifier", {"random_state": 0}),
        ("mlp", "MLPClassifier", {"max_iter": 30, "hidden_layer_sizes": (5,), "random_state": 0}),
        ("sgd", "SGDClassifier", {"random_state": 0, "max_iter": 20}),
        ("ada", "AdaBoostClassifier", {"n_estimators": 5, "random_state": 0}),
        ("extra", "ExtraTreesClassifier", {"n_estimators": 5, "random_state": 0}),
    ):
        for remainder in ("drop", "passthrough"):
            add("table_{}_{}".format(tag, remainder), lambda s, n=name, p=parameters, r=remainder: s.Pipeline([("pre", _prepare(s, remainder=r)), ("clf", getattr(s, n)(**p))]), lambda rng: frame(rng, style="string"))
    for tag, name in (("ridge", "Ridge"), ("linreg", "LinearRegression"), ("tree", "DecisionTreeRegressor")):
        add("table_reg_" + tag, lambda s, n=name: s.Pipeline([("pre", _prepare(s)), ("reg", getattr(s, n)())]), lambda rng: frame(rng, target="number"))
    add("table_reg_forest", lambda s: s.Pipeline([("pre", _prepare(s)), ("reg", s.RandomForestRegressor(n_estimators=5, random_state=0))]), lambda rng: frame(rng, target="number"))
    add("table_reg_target", lambda s: s.TransformedTargetRegressor(s.Pipeline([("pre", _prepare(s)), ("reg", s.Ridge())]), transformer=s.StandardScaler()), lambda rng: frame(rng, target="number"))
    add("table_only", lambda s: _prepare(s), frame)
    add("table_by_index", lambda s: _prepare(s, [0, 1], [2, 3]), frame)
    add("table_by_slice", lambda s: _prepare(s, slice(0, 2), slice(2, 4)), frame)
    add("table_by_name_slice", lambda s: _prepare(s, slice("age", "income"), slice("city", "sex")), frame)
    add("table_by_mask", lambda s: _prepare(s, [True, True, False, False, True], [False, False, True, True, False]), frame)
    add("table_by_type", lambda s: _prepare(s, s.make_column_selector(dtype_include=np.number), s.make_column_selector(dtype_include=object)), frame)
    add("table_by_type_exclude", lambda s: _prepare(s, s.make_column_selector(dtype_exclude=object), s.make_column_selector(pattern="city|sex")), frame)
    add("table_by_index_object", lambda s: _prepare(s, _pandas_index(NUMBERS), _pandas_index(TEXTS)), frame)
    add("table_remainder_estimator", lambda s: _prepare(s, remainder=s.MinMaxScaler()), frame)
    add("table_drop_first", lambda s: _prepare(s, drop="first"), lambda rng: frame(rng, unseen=False))
    add("table_drop_ignore", lambda s: _prepare(s, drop="first", handle_unknown="ignore"), frame)
    add("table_infrequent", lambda s: _prepare(s, handle_unknown="infrequent_if_exist", min_frequency=20), frame)
    add("table_dense_old", lambda s: _prepare(s, handle_unknown="ignore", sparse=False), frame)
    add("table_ordinal", lambda s: s.Pipeline([("pre", s.ColumnTransformer([("cat", s.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), TEXTS), ("num", s.SimpleImputer(), NUMBERS)], remainder="passthrough")), ("rf", s.RandomForestClassifier(n_estimators=5, random_state=0))]), frame)
    add("table_ordinal_known", lambda s: s.Pipeline([("pre", s.ColumnTransformer([("cat", s.OrdinalEncoder(), TEXTS), ("num", s.SimpleImputer(), NUMBERS)], remainder="passthrough")), ("rf", s.RandomForestClassifier(n_estimators=5, random_state=0))]), lambda rng: frame(rng, unseen=False))
    add("table_ordinal_hgb", lambda s: s.Pipeline([("pre", s.ColumnTransformer([("cat", s.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), TEXTS)], remainder="passthrough")), ("c", s.HistGradientBoostingClassifier(categorical_features=[0, 1], max_iter=6, min_samples_leaf=5))]), frame)
    add("table_target_encoder", lambda s: s.Pipeline([("pre", s.ColumnTransformer([("cat", s.TargetEncoder(random_state=0), TEXTS)], remainder="drop")), ("c", s.LogisticRegression())]), frame)
    imputed = lambda s: s.Pipeline([("i", s.SimpleImputer(strategy="most_frequent")), ("o", s.OneHotEncoder(handle_unknown="ignore"))])
    constant = lambda s: s.Pipeline([("i", s.SimpleImputer(strategy="constant", fill_value="missing")), ("o", s.OneHotEncoder(handle_unknown="ignore"))])
    for tag, part in (("frequent", imputed), ("constant", constant)):
        for value in (None, np.nan):
            add("table_text_gaps_{}_{}".format(tag, "none" if value is None else "nan"), lambda s, p=part: s.Pipeline([("pre", s.ColumnTransformer([("num", s.make_pipeline(s.SimpleImputer(), s.StandardScaler()), NUMBERS), ("cat", p(s), TEXTS)])), ("c", s.LogisticRegression(solver="lbfgs"))]), lambda rng, v=value: _gaps(frame(rng), v))
    for dtype in ("category", "string"):
        add("table_dtype_" + dtype, lambda s: s.Pipeline([("pre", _prepare(s)), ("c", s.LogisticRegression(solver="lbfgs"))]), lambda rng, d=dtype: frame(rng, dtype=d))
    add("table_grid_search", lambda s: s.GridSearchCV(s.Pipeline([("pre", _prepare(s)), ("c", s.LogisticRegression(solver="lbfgs"))]), {"c__C": [0.1, 1.0]}, cv=3), frame)
    add("table_pca_sparse", lambda s: s.Pipeline([("pre", _prepare(s)), ("svd", s.TruncatedSVD(3, random_state=0)), ("c", s.LogisticRegression(solver="lbfgs"))]), frame)
    add("table_make", lambda s: s.make_pipeline(s.make_column_transformer((s.OneHotEncoder(handle_unknown="ignore"), TEXTS), (s.StandardScaler(), ["visits"])), s.LogisticRegression(solver="lbfgs")), frame)
    add("table_make_passthrough", lambda s: s.make_pipeline(s.make_column_transformer((s.OneHotEncoder(handle_unknown="ignore"), TEXTS), remainder="passthrough"), s.SimpleImputer(), s.LinearRegression()), lambda rng: frame(rng, target="number"))
    add("table_scalar_text", lambda s: s.Pipeline([("pre", s.ColumnTransformer([("text", s.TfidfVectorizer(), "city"), ("num", s.SimpleImputer(), NUMBERS)])), ("c", s.LogisticRegression(solver="lbfgs"))]), frame)
    add("table_output_pandas", lambda s: s.Pipeline([("pre", _prepare(s, handle_unknown="ignore", sparse_output=False)), ("c", s.LogisticRegression())]).set_output(transform="pandas"), frame)
    add("table_polynomial", lambda s: s.Pipeline([("pre", s.ColumnTransformer([("num", s.Pipeline([("i", s.SimpleImputer()), ("s", s.StandardScaler()), ("p", s.PolynomialFeatures(2))]), ["age", "visits"]), ("cat", s.OneHotEncoder(handle_unknown="ignore"), ["city"])])), ("c", s.Ridge())]), lambda rng: frame(rng, target="number"))
    add("table_function", lambda s: s.Pipeline([("pre", s.ColumnTransformer([("log", s.FunctionTransformer(np.log1p), ["visits"]), ("cat", s.OneHotEncoder(handle_unknown="ignore"), TEXTS)])), ("c", s.LogisticRegression(solver="lbfgs"))]), frame)
    add("table_voting", lambda s: s.Pipeline([("pre", _prepare(s)), ("v", s.VotingClassifier([("a", s.LogisticRegression(solver="lbfgs")), ("b", s.RandomForestClassifier(n_estimators=4, random_state=0))], voting="soft"))]), frame)
    add("table_stacking", lambda s: s.Pipeline([("pre", _prepare(s)), ("v", s.StackingClassifier([("a", s.LogisticRegression()), ("b", s.RandomForestClassifier(n_estimators=4, random_state=0))], cv=3))]), frame)


def _pandas_index(names):
    import pandas

    return pandas.Index(names)


def _gaps(data, value):
    for X in (data.X, data.probe):
        X.loc[X.index[::5], "city"] = value
        X.loc[X.index[2::6], "sex"] = value
    return data


def _containers(add):
    """Several objects in one file, as people save them together."""
    clf = lambda rng: classes(rng, 3, 4, "string", large=20.0)
    logreg = lambda s: s.LogisticRegression(solver="lbfgs")
    add("container_dictionary", lambda s: {"model": logreg(s), "scaler": s.StandardScaler()}, clf)
    add("container_with_notes", lambda s: {"model": s.RandomForestClassifier(n_estimators=4, random_state=0), "features": ["a", "b", "c", "d"], "accuracy": 0.93, "labels": np.array(["x", "y"])}, clf)
    add("container_tuple", lambda s: (s.StandardScaler(), s.KNeighborsClassifier(3)), clf)
    add("container_list", lambda s: [s.MinMaxScaler(), s.PCA(2), logreg(s)], clf)
    add("container_number_keys", lambda s: {1: logreg(s), 2: s.GaussianNB()}, clf)
