"""
Writes golden cases of the installed XGBoost and LightGBM: `python boosting.py FOLDER [--only TEXT]`.

Each case is an artefact, its inputs and what the library answers, laid out as `vitrina verify --manifest` reads them.
Runs under XGBoost 0.90 to the newest and LightGBM 2.3 to the newest; a case that the installed versions cannot build
is left out and named.
"""
import argparse
import json
import os
import pickle
import platform
import shutil
import sys
import warnings
import zlib

import numpy as np

warnings.filterwarnings("ignore")

import lightgbm as lgb
import pandas as pd
import sklearn
import xgboost as xgb
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

xgb_version = tuple(int(part) for part in xgb.__version__.split(".")[:2])
lgb_version = tuple(int(part) for part in lgb.__version__.split(".")[:2])


class Unavailable(Exception):
    """The installed version has no such thing."""


def data(seed, rows=200, features=5, missing=False, classes=0, whole=False):
    rng = np.random.RandomState(seed)
    X = rng.randn(rows, features) * rng.uniform(0.3, 3, features)
    if whole:
        X[:, 0] = rng.randint(0, 5, rows)
    score = X[:, 0] + np.sin(X[:, 1] * 2) * X[:, 2] + 0.3 * rng.randn(rows)
    if missing:
        X[rng.rand(rows, features) < 0.15] = np.nan
    if classes:
        y = np.searchsorted(np.quantile(score, np.arange(1, classes) / float(classes)), score)
    else:
        y = score
    return X, y


def probes(X, thresholds, nan=True):
    """Rows of the training data, rows on and around thresholds, and rows that are far, zero, minus zero or missing."""
    rng = np.random.RandomState(7)
    features = X.shape[1]
    blocks = [X[:12], np.zeros((1, features)), -np.zeros((1, features)), np.full((1, features), 1e30), np.full((1, features), -1e30)]
    blocks.append(np.full((1, features), 1e-36))
    blocks.append(np.full((1, features), -1e-20))
    on = []
    for feature, values in sorted(thresholds.items()):
        for value in list(values)[:6]:
            for change in (lambda v: v, lambda v: np.nextafter(v, 1e300), lambda v: np.nextafter(v, -1e300)):
                row = X[rng.randint(len(X))].copy()
                row[feature] = change(value)
                on.append(row)
            row = X[rng.randint(len(X))].copy()
            row[feature] = np.float64(np.nextafter(np.float32(value), np.float32(-1e30)))
            on.append(row)
    if on:
        blocks.append(np.array(on))
    if nan:
        some = X[20:26].copy()
        some[np.arange(6), np.arange(6) % features] = np.nan
        blocks.append(some)
        blocks.append(np.full((1, features), np.nan))
    return np.vstack(blocks)


def xgb_thresholds(booster):
    found = {}
    names = booster.feature_names or []
    for tree in booster.get_dump(dump_format="json"):
        stack = [json.loads(tree)]
        while stack:
            node = stack.pop()
            if "split" not in node:
                continue
            stack.extend(node.get("children", []))
            if isinstance(node.get("split_condition"), list):
                continue
            split = node["split"]
            feature = names.index(split) if split in names else int(str(split).lstrip("f"))
            found.setdefault(feature, set()).add(float(np.float32(node["split_condition"])))
    return {feature: sorted(values) for feature, values in found.items()}


def lgb_thresholds(booster):
    found = {}
    for info in booster.dump_model()["tree_info"]:
        stack = [info["tree_structure"]]
        while stack:
            node = stack.pop()
            if "split_feature" not in node:
                continue
            stack.extend([node["left_child"], node["right_child"]])
            if node["decision_type"] == "<=":
                found.setdefault(node["split_feature"], set()).add(float(node["threshold"]))
    return {feature: sorted(values) for feature, values in found.items()}


def plain(array):
    """Nested lists of numbers that JSON has; NaN and infinities as texts."""
    array = np.asarray(array)
    if array.dtype.kind in "OUS":
        return array.tolist()

    def item(value):
        if isinstance(value, list):
            return [item(inner) for inner in value]
        if isinstance(value, float):
            if value != value:
                return "NaN"
            if value in (float("inf"), float("-inf")):
                return "Infinity" if value > 0 else "-Infinity"
        return value

    return item((array.astype(np.float64) if array.dtype == np.float32 else array).tolist())


def dtype_of(array):
    return "string" if array.dtype.kind in "OUS" else str(array.dtype)


class Writer(object):
    def __init__(self, root, only):
        self.root, self.only = root, only
        self.cases, self.left_out = [], []

    def case(self, library, name, build):
        if self.only and self.only not in name:
            return
        version = {"xgboost": xgb.__version__, "lightgbm": lgb.__version__}[library]
        label = "%s_%s__%s%s" % ({"xgboost": "xgb", "lightgbm": "lgb"}[library], name, {"xgboost": "xgb", "lightgbm": "lgb"}[library], version.replace(".", ""))
        folder = os.path.join("boosting", label)
        path = os.path.join(self.root, folder)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        try:
            made = build(path)
        except Exception as error:
            shutil.rmtree(path)
            self.left_out.append("%s: %s: %s" % (label, type(error).__name__, str(error).strip().split("\n")[0][:160]))
            return
        artefact, inputs, kind, results = made
        outputs = []
        for output, value in results:
            value = np.asarray(value)
            exact = value.dtype.kind not in "f"
            tolerance = {"abs": 0, "rel": 0} if exact else ({"abs": 1e-6, "rel": 2e-6} if library == "xgboost" else {"abs": 1e-12, "rel": 1e-9})
            outputs.append({"name": output, "dtype": dtype_of(value), "shape": list(value.shape), "data": plain(value), "tolerance": tolerance})
        with open(os.path.join(path, "inputs.json"), "w") as file:
            json.dump({"kind": kind, "inputs": inputs}, file, separators=(",", ":"))
        with open(os.path.join(path, "expected.json"), "w") as file:
            json.dump({"kind": "model", "outputs": outputs}, file, separators=(",", ":"))
        self.cases.append({
            "id": "boosting/" + label, "family": "boosting", "case": name, "dir": folder,
            "artefact": os.path.join(folder, artefact), "library": library, "version": version,
            "sklearn": sklearn.__version__, "numpy": np.__version__, "python": platform.python_version(),
            "kind": "model", "input_kind": kind,
            "outputs": [{key: value for key, value in output.items() if key != "data"} for output in outputs],
        })


def table(X):
    return [{"name": "X", "dtype": str(X.dtype), "shape": list(X.shape), "data": plain(X)}]


def columns(frame):
    out = []
    for name in frame.columns:
        values = frame[name]
        if str(values.dtype) in ("category", "object", "str"):
            data = [None if value is None or value != value else value for value in values.astype(object)]
            kind = "string" if any(isinstance(value, str) for value in data) else "float64"
            if kind == "float64":
                data = ["NaN" if value is None else float(value) for value in data]
            out.append({"name": str(name), "dtype": kind, "shape": [len(data)], "data": data})
        else:
            out.append({"name": str(name), "dtype": str(values.dtype), "shape": [len(values)], "data": plain(values.values)})
    return out


def dump(model, path, protocol=None):
    with open(os.path.join(path, "model.pkl"), "wb") as file:
        pickle.dump(model, file, protocol=pickle.HIGHEST_PROTOCOL if protocol is None else protocol)
    return "model.pkl"


def methods(model, X):
    found = [("predict", model.predict(X))]
    if hasattr(model, "predict_proba"):
        found.append(("predict_proba", model.predict_proba(X)))
    return found


# --- XGBoost ----------------------------------------------------------------------------------------------------

def wrapper(make, seed=0, fit=None, labels=None, positive=False, binary01=False, probe_nan=True, **options):
    """A pickled scikit-learn wrapper."""
    def build(path):
        X, y = data(seed, **options)
        if labels is not None:
            y = np.array(labels)[y]
        if positive:
            y = np.exp(0.3 * y)
        if binary01:
            y = 1 / (1 + np.exp(-y))
        model = make()
        model.fit(X, y, **(fit(X, y) if fit else {}))
        try:
            found = xgb_thresholds(model.get_booster())
        except Exception:
            found = {}
        P = probes(X, found, nan=probe_nan)
        return dump(model, path, seed % 3 + 2), table(P), "ndarray", methods(model, P)
    return build


def booster_file(parameters, suffix, seed=0, rounds=8, positive=False, pickled=False, **options):
    def build(path):
        X, y = data(seed, **options)
        if positive:
            y = np.exp(0.3 * y)
        booster = xgb.train(parameters, xgb.DMatrix(X, label=y), rounds)
        name = "model." + suffix
        if suffix == "pkl":
            dump(booster, path)
        else:
            booster.save_model(os.path.join(path, name))
            with open(os.path.join(path, name), "rb") as file:
                head = file.read(9)
            if suffix == "json" and not head.startswith(b"{"):
                raise Unavailable("JSON")
            if suffix == "ubj" and not head.startswith(b"{L"):
                raise Unavailable("UBJSON")
            if suffix == "model" and head.startswith(b"{"):
                raise Unavailable("the binary format")
        P = probes(X, xgb_thresholds(booster) if parameters.get("booster") != "gblinear" else {})
        return name, table(P), "ndarray", [("predict", booster.predict(xgb.DMatrix(P)))]
    return build


def frame_case(kind, **parameters):
    """A data frame with columns of categories: whole codes, or texts."""
    def build(path):
        if xgb_version < (1, 6):
            raise Unavailable("categories in the scikit-learn interface")
        rng = np.random.RandomState(3)
        X, y = data(4, rows=300)
        frame = pd.DataFrame(X, columns=["a", "b", "c", "d", "e"])
        if kind == "text" and xgb_version < (3, 1):
            raise Unavailable("categories in the file")
        codes = rng.randint(0, 12, 300)
        y = y + np.array([3, -2, 1, 0, 5, -4, 2, 2, -1, 0, 1, -3])[codes]
        if kind == "text":
            values = np.array(["red", "green", "blue", u"a\u00e7a\u00ed", "x", "y", "z", "w", "v", "u", "t", "s"])[codes]
            frame["k"] = pd.Categorical(values)
        else:
            frame["k"] = pd.Categorical(codes)
        model = xgb.XGBRegressor(n_estimators=6, max_depth=4, tree_method="hist", enable_categorical=True, **parameters)
        model.fit(frame, y)
        P = frame.iloc[:40].copy()
        P.loc[P.index[3], "k"] = np.nan
        return dump(model, path), columns(P), "dataframe", [("predict", model.predict(P))]
    return build


def numbered_categories(**parameters):
    """Categories as numbers of an array, with codes that training never saw."""
    def build(path):
        if xgb_version < (1, 6):
            raise Unavailable("categories")
        rng = np.random.RandomState(5)
        X, y = data(6, rows=300)
        X[:, 1] = rng.randint(0, 40, 300)
        y = y + np.sin(X[:, 1] * 3) * 4
        types = ["q", "c", "q", "q", "q"]
        train = xgb.DMatrix(X, label=y, feature_types=types, enable_categorical=True)
        settings = dict(tree_method="hist", max_depth=4)
        settings.update(parameters)
        booster = xgb.train(settings, train, 8)
        booster.save_model(os.path.join(path, "model.json"))
        P = X[:40].copy()
        P[3, 1] = np.nan
        P[4, 1] = 39
        return "model.json", table(P), "ndarray", [("predict", booster.predict(xgb.DMatrix(P, feature_types=types, enable_categorical=True)))]
    return build


def xgboost_cases(write):
    add = lambda name, build: write.case("xgboost", name, build)
    c, r = xgb.XGBClassifier, xgb.XGBRegressor
    add("clf_binary", wrapper(lambda: c(n_estimators=12, max_depth=4), classes=2, missing=True))
    add("clf_binary_p2", wrapper(lambda: c(n_estimators=5, max_depth=3, base_score=0.2), 3, classes=2))
    add("clf_multi", wrapper(lambda: c(n_estimators=6, max_depth=3), 1, classes=4, missing=True))
    add("clf_softmax", wrapper(lambda: c(n_estimators=6, max_depth=3, objective="multi:softmax"), 2, classes=3))
    add("clf_hinge", wrapper(lambda: c(n_estimators=6, max_depth=3, objective="binary:hinge"), 2, classes=2))
    add("clf_logitraw", wrapper(lambda: c(n_estimators=6, max_depth=3, objective="binary:logitraw"), 2, classes=2))
    add("clf_dart", wrapper(lambda: c(n_estimators=8, max_depth=3, booster="dart", rate_drop=0.4), 4, classes=2))
    add("clf_linear", wrapper(lambda: c(n_estimators=8, booster="gblinear"), 5, classes=3, probe_nan=True))
    add("clf_forest", wrapper(lambda: xgb.XGBRFClassifier(n_estimators=9, max_depth=4, random_state=1), 6, classes=3))
    add("clf_missing_number", wrapper(lambda: c(n_estimators=6, max_depth=3, missing=0), 7, classes=2, whole=True, probe_nan=False))
    add("clf_missing_infinite", wrapper(lambda: c(n_estimators=6, max_depth=3, missing=np.inf), 7, classes=2, probe_nan=False))
    add("clf_early", wrapper(early(lambda **k: c(n_estimators=60, max_depth=3, learning_rate=0.5, **k)), 8, classes=2, fit=early_fit))
    add("clf_early_multi", wrapper(early(lambda **k: c(n_estimators=60, max_depth=3, learning_rate=0.5, **k)), 8, classes=3, fit=early_fit))
    if xgb_version < (1, 6):
        add("clf_text_labels", wrapper(lambda: c(n_estimators=5, max_depth=3), 9, classes=3, labels=["ham", "other", "spam"]))
        add("clf_number_labels", wrapper(lambda: c(n_estimators=5, max_depth=3), 10, classes=2, labels=[-1, 7]))
    add("reg", wrapper(lambda: r(n_estimators=10, max_depth=5), 11, missing=True))
    add("reg_base_score", wrapper(lambda: r(n_estimators=4, max_depth=3, base_score=1e3), 12))
    add("reg_logistic", wrapper(lambda: r(n_estimators=6, max_depth=3, objective="reg:logistic"), 13, binary01=True))
    for objective in ("count:poisson", "reg:gamma", "reg:tweedie"):
        add("reg_" + objective.split(":")[1], wrapper(lambda o=objective: r(n_estimators=6, max_depth=3, objective=o), 14, positive=True))
    for objective in ("reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror"):
        add("reg_" + objective.split(":")[1], wrapper(lambda o=objective: r(n_estimators=6, max_depth=3, objective=o), 15, positive=True))
    add("reg_quantile", wrapper(lambda: r(n_estimators=6, max_depth=3, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]), 16))
    add("reg_expectile", wrapper(lambda: r(n_estimators=6, max_depth=3, objective="reg:expectileerror", expectile_alpha=[0.2, 0.8]), 16))
    add("reg_dart", wrapper(lambda: r(n_estimators=8, max_depth=3, booster="dart", rate_drop=0.3), 17))
    add("reg_linear", wrapper(lambda: r(n_estimators=8, booster="gblinear"), 18))
    add("reg_forest", wrapper(lambda: xgb.XGBRFRegressor(n_estimators=9, max_depth=4, random_state=1), 19))
    add("reg_parallel_early", wrapper(early(lambda **k: r(n_estimators=40, max_depth=3, num_parallel_tree=3, subsample=0.7, learning_rate=0.6, **k)), 20, fit=early_fit))
    add("model", wrapper(lambda: xgb.XGBModel(n_estimators=4, max_depth=2, objective="reg:squarederror"), 28))
    add("reg_stump", wrapper(lambda: r(n_estimators=3, max_depth=1, gamma=1e9), 21))
    add("reg_pruned", wrapper(lambda: r(n_estimators=6, max_depth=6, gamma=1.5, tree_method="exact"), 21))
    add("reg_features", wrapper(lambda: r(n_estimators=20, max_depth=6), 22, features=30, rows=400))
    add("ranker", wrapper(lambda: xgb.XGBRanker(n_estimators=6, max_depth=3, objective="rank:pairwise"), 23, classes=3, fit=lambda X, y: {"group": [50] * 4} if xgb_version < (3, 0) else {"qid": np.repeat(np.arange(4), 50)}))
    add("ranker_ndcg", wrapper(lambda: xgb.XGBRanker(n_estimators=6, max_depth=3, objective="rank:ndcg"), 23, classes=3, fit=lambda X, y: {"group": [50] * 4} if xgb_version < (3, 0) else {"qid": np.repeat(np.arange(4), 50)}))

    def frame(path):
        X, y = data(24, classes=2)
        table_ = pd.DataFrame(X, columns=["age", "height", "u v", "w_1", u"\u00e9"])
        model = c(n_estimators=5, max_depth=3).fit(table_, y)
        P = table_.iloc[:30]
        return dump(model, path), columns(P), "dataframe", methods(model, P)
    add("clf_frame", frame)

    def pipeline(path):
        X, y = data(25, classes=3)
        model = Pipeline([("scale", StandardScaler()), ("model", c(n_estimators=5, max_depth=3))]).fit(X, y)
        P = probes(X, {}, nan=False)
        return dump(model, path), table(P), "ndarray", methods(model, P)
    add("pipeline", pipeline)

    def inside(make, classes=0, targets=False):
        """A wrapper inside of an estimator of scikit-learn."""
        def build(path):
            X, y = data(43, classes=classes)
            Y = np.column_stack([y, y * 2 + 1]) if targets else y
            model = make().fit(X, Y)
            P = X[:40]
            return dump(model, path), table(P), "ndarray", methods(model, P)
        return build

    from sklearn import calibration, ensemble, linear_model, model_selection, multioutput
    small = dict(n_estimators=4, max_depth=3)
    pair = lambda: [("xgb", c(**small)), ("linear", linear_model.LogisticRegression())]
    add("in_search", inside(lambda: model_selection.GridSearchCV(c(**small), {"max_depth": [2, 3]}, cv=2), 3))
    add("in_voting", inside(lambda: ensemble.VotingClassifier(pair(), voting="soft"), 3))
    add("in_hard_voting", inside(lambda: ensemble.VotingClassifier(pair()), 3))
    add("in_stacking", inside(lambda: ensemble.StackingClassifier(pair(), cv=2), 2))
    add("in_stacking_regressor", inside(lambda: ensemble.StackingRegressor([("xgb", r(**small)), ("linear", linear_model.LinearRegression())], cv=2)))
    add("in_calibration", inside(lambda: calibration.CalibratedClassifierCV(c(**small), cv=2), 2))
    add("in_multioutput", inside(lambda: multioutput.MultiOutputRegressor(r(**small)), targets=True))
    add("in_bagging", inside(lambda: ensemble.BaggingRegressor(r(**small), n_estimators=3, random_state=0)))

    def mixed(threshold):
        """A sparse matrix between the steps: what is not in it is missing."""
        def build(path):
            from sklearn.compose import ColumnTransformer
            from sklearn.preprocessing import OneHotEncoder
            X, y = data(29, rows=300)
            X[:, 1][X[:, 1] < 0] = 0
            table_ = pd.DataFrame(X, columns=["a", "b", "c", "d", "e"])
            codes = np.random.RandomState(3).randint(0, 8, 300)
            table_["k"] = np.array(["red", "green", "blue", "x", "y", "z", "w", "v"], dtype=object)[codes]
            parts = [("numbers", "passthrough", ["a", "b"]), ("texts", OneHotEncoder(handle_unknown="ignore"), ["k"])]
            first = ColumnTransformer(parts, sparse_threshold=threshold)
            model = Pipeline([("columns", first), ("model", r(n_estimators=6, max_depth=4))]).fit(table_, y + codes % 3)
            P = table_[["a", "b", "k"]].iloc[:40].copy()
            P.iloc[3, 2] = "unseen"
            P.iloc[4, 0] = 0.0
            whole = table_.iloc[:40].copy()
            whole[["a", "b", "k"]] = P
            return dump(model, path), columns(P), "dataframe", [("predict", model.predict(whole))]
        return build
    add("columns_sparse", mixed(1.0))
    add("columns_dense", mixed(0.0))

    def targets(**parameters):
        def build(path):
            X, y = data(26)
            Y = np.column_stack([y, y * 2 + 1, X[:, 3]])
            model = r(n_estimators=5, max_depth=3, **parameters).fit(X, Y)
            P = probes(X, xgb_thresholds(model.get_booster()) if not parameters else {})
            return dump(model, path), table(P), "ndarray", [("predict", model.predict(P))]
        return build
    add("reg_targets", targets())
    add("reg_vector_leaves", targets(multi_strategy="multi_output_tree", tree_method="hist"))

    def multilabel(path):
        X, y = data(27)
        Y = np.column_stack([y > 0, X[:, 1] > 0.2, X[:, 3] > 1]).astype(int)
        model = c(n_estimators=5, max_depth=3, tree_method="hist").fit(X, Y)
        P = probes(X, {})
        return dump(model, path), table(P), "ndarray", methods(model, P)
    add("clf_multilabel", multilabel)

    for suffix in ("json", "ubj", "model", "pkl"):
        add("booster_binary_" + suffix, booster_file({"objective": "binary:logistic", "max_depth": 4}, suffix, 30, classes=2, missing=True))
        add("booster_softprob_" + suffix, booster_file({"objective": "multi:softprob", "num_class": 3, "max_depth": 3}, suffix, 31, classes=3))
        add("booster_softmax_" + suffix, booster_file({"objective": "multi:softmax", "num_class": 3, "max_depth": 3}, suffix, 31, classes=3))
        add("booster_reg_" + suffix, booster_file({"objective": "reg:squarederror", "max_depth": 4}, suffix, 32, missing=True))
        add("booster_poisson_" + suffix, booster_file({"objective": "count:poisson", "max_depth": 3}, suffix, 33, positive=True))
        add("booster_dart_" + suffix, booster_file({"booster": "dart", "rate_drop": 0.5, "max_depth": 3}, suffix, 34))
        add("booster_linear_" + suffix, booster_file({"booster": "gblinear", "objective": "multi:softprob", "num_class": 3}, suffix, 35, classes=3))
    add("booster_cox", booster_file({"objective": "survival:cox", "max_depth": 3}, "json", 36, positive=True))
    add("booster_hinge", booster_file({"objective": "binary:hinge", "max_depth": 3}, "json", 37, classes=2))

    def aft(path):
        X, y = data(38)
        y = np.exp(0.3 * y)
        train = xgb.DMatrix(X)
        train.set_float_info("label_lower_bound", y)
        train.set_float_info("label_upper_bound", y * 1.5)
        booster = xgb.train({"objective": "survival:aft", "max_depth": 3}, train, 6)
        booster.save_model(os.path.join(path, "model.json"))
        P = probes(X, {})
        return "model.json", table(P), "ndarray", [("predict", booster.predict(xgb.DMatrix(P)))]
    add("booster_aft", aft)

    add("categories_onehot", numbered_categories(max_cat_to_onehot=100))
    add("categories_sets", numbered_categories(max_cat_to_onehot=1))
    add("frame_codes", frame_case("codes", max_cat_to_onehot=1))
    add("frame_texts", frame_case("text", max_cat_to_onehot=1))


def early(make):
    """Early stopping is asked for when the model is made, or (before 2.0) when it is fitted."""
    return (lambda: make(early_stopping_rounds=2)) if xgb_version >= (2, 0) else (lambda: make())


def early_fit(X, y):
    fit = {"eval_set": [(X[100:], y[100:][::-1])], "verbose": False}
    if xgb_version < (2, 0):
        fit["early_stopping_rounds"] = 2
    return fit


# --- LightGBM ---------------------------------------------------------------------------------------------------

def lgb_wrapper(make, seed=0, fit=None, labels=None, positive=False, probe_nan=True, clip=None, **options):
    def build(path):
        X, y = data(seed, **options)
        if labels is not None:
            y = np.array(labels)[y]
        if positive:
            y = np.exp(0.3 * y)
        if clip:
            y = 1 / (1 + np.exp(-y))
        model = make()
        model.fit(X, y, **(fit(X, y) if fit else {}))
        booster = model.booster_
        P = probes(X, lgb_thresholds(booster), nan=probe_nan)
        return dump(model, path, seed % 3 + 2), table(P), "ndarray", methods(model, P)
    return build


def lgb_file(parameters, suffix="txt", seed=0, rounds=8, positive=False, clip=False, categorical=None, zeros=False, early=False, **options):
    def build(path):
        X, y = data(seed, **options)
        rng = np.random.RandomState(seed)
        if zeros:
            X[rng.rand(*X.shape) < 0.3] = 0
        if categorical is not None:
            X[:, categorical] = rng.randint(0, 60, len(X))
            y = y + np.sin(X[:, categorical] * 3) * 3 if parameters.get("objective", "regression").startswith("reg") else y
        if positive:
            y = np.exp(0.3 * y)
        if clip:
            y = 1 / (1 + np.exp(-y))
        settings = dict(parameters, verbose=-1, min_data_in_leaf=5, num_leaves=8, num_threads=1)
        train = lgb.Dataset(X, y, categorical_feature=[categorical] if categorical is not None else "auto")
        booster = lgb.train(settings, train, rounds)
        name = "model." + suffix
        if early:
            booster.best_iteration = rounds // 2
        if suffix == "pkl":
            dump(booster, path)
        else:
            booster.save_model(os.path.join(path, name))
        P = probes(X, lgb_thresholds(booster))
        if categorical is not None:
            P[:12, categorical] = [59, 0, 1, 31, 32, 63, 64, 200, -1, 3.7, -0.5, 1e12]
        return name, table(P), "ndarray", [("predict", booster.predict(P))]
    return build


def lightgbm_cases(write):
    add = lambda name, build: write.case("lightgbm", name, build)
    common = dict(n_estimators=8, num_leaves=8, min_child_samples=5, verbose=-1, n_jobs=1)
    c = lambda **k: lambda: lgb.LGBMClassifier(**dict(common, **k))
    r = lambda **k: lambda: lgb.LGBMRegressor(**dict(common, **k))
    add("clf_binary", lgb_wrapper(c(), 0, classes=2, missing=True))
    add("clf_multi", lgb_wrapper(c(), 1, classes=4, missing=True))
    add("clf_ova", lgb_wrapper(c(objective="multiclassova"), 2, classes=3))
    add("clf_text_labels", lgb_wrapper(c(), 3, classes=3, labels=["ham", "other", "spam"]))
    add("clf_number_labels", lgb_wrapper(c(), 4, classes=2, labels=[-1, 7]))
    add("clf_bool_labels", lgb_wrapper(c(), 4, classes=2, labels=[False, True]))
    add("clf_float_labels", lgb_wrapper(c(), 4, classes=3, labels=[0.5, 1.0, 2.5]))
    add("clf_unbalanced", lgb_wrapper(c(class_weight="balanced"), 5, classes=2))
    add("clf_rf", lgb_wrapper(c(boosting_type="rf", bagging_freq=1, bagging_fraction=0.6), 6, classes=3))
    add("clf_dart", lgb_wrapper(c(boosting_type="dart"), 7, classes=2))
    add("clf_goss", lgb_wrapper(c(boosting_type="goss"), 7, classes=2))
    add("clf_sigmoid", lgb_wrapper(c(sigmoid=0.7), 8, classes=2))
    add("clf_zero_missing", lgb_wrapper(c(zero_as_missing=True), 9, classes=2, whole=True))
    add("clf_no_missing", lgb_wrapper(c(use_missing=False), 10, classes=2))
    add("clf_one_class", lgb_wrapper(c(), 10, classes=2, fit=None, labels=[3, 3]))
    add("clf_early", lgb_wrapper(c(n_estimators=60, learning_rate=0.5), 11, classes=2, fit=lgb_early))
    add("reg", lgb_wrapper(r(), 12, missing=True))
    for objective in ("regression_l1", "huber", "fair", "quantile", "mape"):
        add("reg_" + objective, lgb_wrapper(r(objective=objective), 13))
    for objective in ("poisson", "gamma", "tweedie"):
        add("reg_" + objective, lgb_wrapper(r(objective=objective), 14, positive=True))
    add("reg_sqrt", lgb_wrapper(r(reg_sqrt=True), 15))
    add("reg_cross_entropy", lgb_wrapper(r(objective="cross_entropy"), 16, clip=True))
    add("reg_cross_entropy_lambda", lgb_wrapper(r(objective="cross_entropy_lambda"), 16, clip=True))
    add("reg_rf", lgb_wrapper(r(boosting_type="rf", bagging_freq=1, bagging_fraction=0.6), 17))
    add("model", lgb_wrapper(lambda: lgb.LGBMModel(objective="regression", **common), 28))
    def infinite(path):
        X, y = data(44, missing=True)
        model = lgb.LGBMRegressor(**common).fit(X, y)
        P = X[:20].copy()
        P[np.arange(20), np.arange(20) % 5] = [np.inf, -np.inf] * 10
        return dump(model, path), table(P), "ndarray", methods(model, P)
    add("reg_infinite", infinite)
    add("reg_stump", lgb_wrapper(r(min_child_samples=10000), 18))
    add("reg_features", lgb_wrapper(r(n_estimators=30, num_leaves=31), 19, rows=500, features=30))
    add("ranker", lgb_wrapper(lambda: lgb.LGBMRanker(**common), 20, classes=3, fit=lambda X, y: {"group": [50] * 4}))
    add("linear_tree", lgb_wrapper(r(linear_tree=True), 21))
    add("early_multi", lgb_wrapper(c(n_estimators=60, learning_rate=0.5), 22, classes=3, fit=lgb_early))
    for suffix in ("txt", "pkl"):
        add("booster_binary_" + suffix, lgb_file({"objective": "binary"}, suffix, 30, classes=2, missing=True))
        add("booster_multi_" + suffix, lgb_file({"objective": "multiclass", "num_class": 3}, suffix, 31, classes=3))
        add("booster_reg_" + suffix, lgb_file({"objective": "regression"}, suffix, 32, missing=True))
        add("booster_categories_" + suffix, lgb_file({"objective": "regression", "cat_smooth": 1, "min_data_per_group": 5}, suffix, 33, categorical=1, rows=600))
        add("booster_zero_" + suffix, lgb_file({"objective": "regression", "zero_as_missing": True}, suffix, 34, zeros=True))
        add("booster_early_" + suffix, lgb_file({"objective": "binary"}, suffix, 35, classes=2, early=True))
    add("booster_rank", lgb_file({"objective": "regression", "boosting": "dart"}, "txt", 36))
    add("booster_none", lgb_file({"objective": "none"} if lgb_version < (4, 0) else {"objective": "custom"}, "txt", 37))
    add("booster_single_category", lgb_file({"objective": "regression", "max_cat_to_onehot": 100, "min_data_per_group": 5, "cat_smooth": 1}, "txt", 38, categorical=0, rows=400))

    def frame(texts, suffix):
        def build(path):
            rng = np.random.RandomState(3)
            X, y = data(40, rows=400, classes=2)
            table_ = pd.DataFrame(X, columns=["a", "b", "c", "d", "e"])
            codes = rng.randint(0, 12, 400)
            y = (codes % 3 == 0) ^ (y > 0)
            if texts:
                table_["k"] = pd.Categorical(np.array(["red", "green", "blue", u"a\u00e7a\u00ed", "x", "y", "z", "w", "v", "u", "t", "s"])[codes])
            else:
                table_["k"] = pd.Categorical(codes * 10 - 30)
            model = lgb.LGBMClassifier(n_estimators=6, num_leaves=8, min_child_samples=5, cat_smooth=1, min_data_per_group=5, verbose=-1)
            model.fit(table_, y.astype(int))
            P = table_.iloc[:40].copy()
            P.loc[P.index[3], "k"] = np.nan
            if suffix == "txt":
                model.booster_.save_model(os.path.join(path, "model.txt"))
                return "model.txt", columns(P), "dataframe", [("predict", model.booster_.predict(P))]
            return dump(model, path), columns(P), "dataframe", methods(model, P)
        return build
    add("frame_texts", frame(True, "pkl"))
    add("frame_numbers", frame(False, "pkl"))
    add("frame_texts_file", frame(True, "txt"))

    def plain_frame(path):
        X, y = data(41, classes=2)
        table_ = pd.DataFrame(X, columns=["age", "height", "uv", "w_1", "z"])
        model = lgb.LGBMClassifier(**common).fit(table_, y)
        P = table_.iloc[:30]
        return dump(model, path), columns(P), "dataframe", methods(model, P)
    add("clf_frame", plain_frame)

    def pipeline(path):
        X, y = data(42, classes=3)
        model = Pipeline([("scale", StandardScaler()), ("model", lgb.LGBMClassifier(**common))]).fit(X, y)
        P = probes(X, {}, nan=False)
        return dump(model, path), table(P), "ndarray", methods(model, P)
    add("pipeline", pipeline)


def lgb_early(X, y):
    fit = {"eval_set": [(X[100:], y[100:][::-1])]}
    if lgb_version < (4, 0):
        fit.update(early_stopping_rounds=2, verbose=False)
    else:
        fit["callbacks"] = [lgb.early_stopping(2, verbose=False)]
    return fit


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    parser.add_argument("--library", default="xgboost lightgbm")
    arguments = parser.parse_args()
    write = Writer(arguments.folder, arguments.only)
    if "xgboost" in arguments.library:
        xgboost_cases(write)
    if "lightgbm" in arguments.library:
        lightgbm_cases(write)
    path = os.path.join(arguments.folder, "manifest.json")
    cases = {}
    if os.path.exists(path):
        with open(path) as file:
            cases = {case["id"]: case for case in json.load(file)["cases"]}
    cases.update({case["id"]: case for case in write.cases})
    with open(path, "w") as file:
        json.dump({"set": "boosting", "cases": list(cases.values())}, file, indent=0)
    print("%d cases; left out:" % len(write.cases))
    for line in write.left_out:
        print("  " + line)


if __name__ == "__main__":
    main()
