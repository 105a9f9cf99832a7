"""Scalers, transformers of single columns, imputers."""
import numpy as np

from data import Data, classes, counts, named, regression, with_gaps

from .variants import each


def _plain(rng):
    data = regression(rng, 4)
    data.y = None
    return data


def _gaps(rng):
    return with_gaps(_plain(rng), rng)


def _positive(rng):
    data = _plain(rng)
    data.X, data.probe = np.abs(data.X) + 0.1, np.abs(data.probe) + 0.1
    return data


def cases(add):
    _scalers(add)
    _shapes(add)
    _imputers(add)


def _scalers(add):
    for stem, name, variants in (
        ("standard_scaler", "StandardScaler", {"plain": {}, "no_mean": {"with_mean": False}, "no_std": {"with_std": False}, "neither": {"with_mean": False, "with_std": False}}),
        ("minmax_scaler", "MinMaxScaler", {"plain": {}, "range": {"feature_range": (-1, 3)}, "clip": {"clip": True}, "floats": {"feature_range": (0.1, 0.9)}}),
        ("maxabs_scaler", "MaxAbsScaler", {"plain": {}, "clip": {"clip": True}}),
        ("robust_scaler", "RobustScaler", {"plain": {}, "no_centre": {"with_centering": False}, "no_scale": {"with_scaling": False}, "range": {"quantile_range": (10.0, 80.0)}, "unit": {"unit_variance": True}}),
        ("normalizer", "Normalizer", {"l2": {}, "l1": {"norm": "l1"}, "max": {"norm": "max"}}),
        ("binarizer", "Binarizer", {"plain": {}, "threshold": {"threshold": 0.7}}),
        ("power", "PowerTransformer", {"plain": {}, "raw": {"standardize": False}}),
        ("quantile", "QuantileTransformer", {"plain": {"n_quantiles": 30, "random_state": 0}, "normal": {"n_quantiles": 30, "output_distribution": "normal", "random_state": 0}, "few": {"n_quantiles": 5, "subsample": 40, "random_state": 0}}),
        ("polynomial_any", "PolynomialFeatures", {"plain": {}}),
    ):
        each(add, stem, name, _plain, **variants)
        if name not in ("PolynomialFeatures", "Normalizer"):
            add(stem + "_constant_column", lambda s, n=name: getattr(s, n)(), lambda rng: _with_constant(_plain(rng)))
        add(stem + "_one_feature", lambda s, n=name: getattr(s, n)(), lambda rng: _first(_plain(rng)))
        add(stem + "_frame", lambda s, n=name: getattr(s, n)(), lambda rng: named(_plain(rng)))
        add(stem + "_nan", lambda s, n=name: getattr(s, n)(), _gaps)
        if name == "Normalizer":
            continue  # What counts as zero depends on the type of the input.
        add(stem + "_float32", lambda s, n=name: getattr(s, n)(), lambda rng: _as(_plain(rng), np.float32), tolerance={"abs": 1e-4, "rel": 1e-4})
    each(add, "power_boxcox", "PowerTransformer", _positive, plain={"method": "box-cox"}, raw={"method": "box-cox", "standardize": False})
    add("power_skewed", lambda s: s.PowerTransformer(), lambda rng: _exp(_plain(rng)))
    add("quantile_repeated", lambda s: s.QuantileTransformer(n_quantiles=20, random_state=0), lambda rng: _rounded(_plain(rng)))
    add("quantile_repeated_normal", lambda s: s.QuantileTransformer(n_quantiles=20, output_distribution="normal", random_state=0), lambda rng: _rounded(_plain(rng)))
    add("standard_scaler_partial", lambda s: _partial(s.StandardScaler()), _plain)
    add("standard_scaler_int", lambda s: s.StandardScaler(), lambda rng: _as(_rounded(_plain(rng)), np.int64))


def _partial(estimator):
    estimator.partial_fit(np.arange(40.0).reshape(10, 4))
    return estimator


def _with_constant(data):
    data.X = data.X.copy()
    data.X[:, 1], data.X[:, 2] = 0.0, 7.5
    return data


def _first(data):
    return Data(data.X[:, :1], data.y, data.probe[:, :1])


def _as(data, dtype):
    return Data(data.X.astype(dtype), data.y, data.probe.astype(dtype))


def _exp(data):
    data.X, data.probe = np.exp(data.X), np.exp(np.clip(data.probe, -5, 5))
    return data


def _rounded(data):
    data.X, data.probe = np.round(data.X), np.round(data.probe)
    return data


def _shapes(add):
    each(
        add, "polynomial", "PolynomialFeatures", lambda rng: _tame(_plain(rng)),
        plain={}, cubic={"degree": 3}, interactions={"interaction_only": True, "degree": 3}, no_bias={"include_bias": False}, linear={"degree": 1}, both={"interaction_only": True, "include_bias": False}, fortran={"order": "F"}, span={"degree": (2, 3)}, zero={"degree": 0},
    )
    each(
        add, "spline", "SplineTransformer", lambda rng: _tame(_plain(rng)),
        plain={}, linear={"degree": 1, "n_knots": 4}, quantile={"knots": "quantile", "n_knots": 6}, no_bias={"include_bias": False}, constant={"extrapolation": "constant"}, extend={"extrapolation": "linear"}, follow={"extrapolation": "continue"},
        periodic={"extrapolation": "periodic"}, zeroth={"degree": 0}, fifth={"degree": 5, "n_knots": 7},
    )
    for encode in ("onehot", "onehot-dense", "ordinal"):
        for strategy in ("uniform", "quantile", "kmeans"):
            for more, tag in (({}, ""), ({"quantile_method": "averaged_inverted_cdf"}, "_averaged")):
                if tag and strategy != "quantile":
                    continue
                p = dict(n_bins=4, encode=encode, strategy=strategy, **more)
                add("kbins_{}_{}{}".format(encode.replace("-", "_"), strategy, tag), lambda s, p=p: s.KBinsDiscretizer(**p), _plain)
    add("kbins_unequal", lambda s: s.KBinsDiscretizer(n_bins=[2, 3, 4, 5], encode="onehot"), _plain)
    add("kbins_edges", lambda s: s.KBinsDiscretizer(n_bins=4, encode="ordinal", strategy="uniform"), lambda rng: _edges(_plain(rng)))
    add("kbins_float32", lambda s: s.KBinsDiscretizer(n_bins=4, encode="ordinal", dtype=np.float32), _plain)
    for tag, function in (("log1p", np.log1p), ("sqrt", np.sqrt), ("log", np.log), ("exp", np.exp), ("square", np.square), ("abs", np.abs), ("sin", np.sin), ("cos", np.cos), ("tanh", np.tanh), ("log10", np.log10), ("log2", np.log2), ("expm1", np.expm1), ("reciprocal", np.reciprocal), ("cbrt", np.cbrt), ("sign", np.sign), ("floor", np.floor), ("nan_to_num", np.nan_to_num), ("rint", np.rint), ("negative", np.negative)):
        add("function_" + tag, lambda s, f=function: s.FunctionTransformer(f, validate=True), lambda rng: _tame(_positive(rng)))
    add("function_none", lambda s: s.FunctionTransformer(validate=True), _plain)
    add("function_unvalidated", lambda s: s.FunctionTransformer(np.log1p), lambda rng: named(_tame(_positive(rng))))
    add("function_inverse", lambda s: s.FunctionTransformer(np.log1p, inverse_func=np.expm1, feature_names_out="one-to-one"), lambda rng: _tame(_positive(rng)))
    add("function_kw", lambda s: s.FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 2}, validate=True), _plain)


def _tame(data):
    data.probe = np.clip(data.probe, -20, 20)
    return data


def _edges(data):
    low, high = data.X.min(axis=0), data.X.max(axis=0)
    steps = np.linspace(0, 1, 9)[:, None]
    data.probe = np.vstack([data.probe, low + (high - low) * steps])
    return data


def _imputers(add):
    each(
        add, "simple_imputer", "SimpleImputer", _gaps,
        mean={}, median={"strategy": "median"}, frequent={"strategy": "most_frequent"}, constant={"strategy": "constant"}, fill={"strategy": "constant", "fill_value": -7.5}, indicator={"add_indicator": True},
        indicator_median={"add_indicator": True, "strategy": "median"},
    )
    add("simple_imputer_zero", lambda s: s.SimpleImputer(missing_values=0), lambda rng: with_gaps(_plain(rng), rng, nan=0.0))
    add("simple_imputer_minus", lambda s: s.SimpleImputer(missing_values=-999.0, strategy="median", add_indicator=True), lambda rng: with_gaps(_plain(rng), rng, nan=-999.0))
    add("simple_imputer_empty_column", lambda s: s.SimpleImputer(), lambda rng: _empty(_gaps(rng)))
    add("simple_imputer_empty_kept", lambda s: s.SimpleImputer(keep_empty_features=True), lambda rng: _empty(_gaps(rng)))
    add("simple_imputer_frame", lambda s: s.SimpleImputer(), lambda rng: named(_gaps(rng)))
    add("simple_imputer_asked", lambda s: s.SimpleImputer(add_indicator=True), lambda rng: _some_gaps(_plain(rng), rng))
    for tag, missing in (("nan", np.nan), ("none", None)):
        for strategy, more in (("most_frequent", {}), ("constant", {}), ("constant", {"fill_value": "?"}), ("constant", {"fill_value": u"c\u0327a"})):
            p = dict(strategy=strategy, missing_values=missing, **more)
            name = "simple_imputer_text_{}_{}_{}".format(tag, strategy, {"?": "mark", None: "default"}.get(more.get("fill_value"), "accent"))
            add(name, lambda s, p=p: s.SimpleImputer(**p), lambda rng, m=missing: _texts(rng, m))
    each(
        add, "knn_imputer", "KNNImputer", _gaps,
        plain={"n_neighbors": 3}, distance={"n_neighbors": 4, "weights": "distance"}, indicator={"n_neighbors": 2, "add_indicator": True}, one={"n_neighbors": 1},
    )
    each(add, "missing_indicator", "MissingIndicator", _gaps, plain={}, all={"features": "all"})
    add("missing_indicator_zero", lambda s: s.MissingIndicator(missing_values=0), lambda rng: with_gaps(_plain(rng), rng, nan=0.0))
    each(add, "iterative_imputer", "IterativeImputer", _gaps, plain={"random_state": 0, "max_iter": 4}, median={"random_state": 0, "max_iter": 3, "initial_strategy": "median", "imputation_order": "roman", "min_value": -5, "max_value": 5}, indicator={"random_state": 0, "max_iter": 2, "add_indicator": True})
    add("old_imputer", lambda s: s.Imputer(), _gaps)
    add("old_imputer_median", lambda s: s.Imputer(strategy="median"), _gaps)
    add("old_imputer_frequent", lambda s: s.Imputer(strategy="most_frequent"), _gaps)
    add("old_imputer_zero", lambda s: s.Imputer(missing_values=0), lambda rng: with_gaps(_plain(rng), rng, nan=0.0))


def _empty(data):
    data.X = data.X.copy()
    data.X[:, 2] = np.nan
    return data


def _some_gaps(data, rng):
    data.X = data.X.copy()
    data.X[::5, 1] = np.nan
    data.probe = data.probe.copy()
    data.probe[::4, 0] = np.nan
    data.probe[1::4, 1] = np.nan
    return data


def _texts(rng, missing):
    values = [u"red", u"caf\u00e9", u"\u9752", u""]
    X = np.array([[values[rng.randint(4)], ["S", "M"][rng.randint(2)]] for _ in range(40)], dtype=object)
    X[rng.uniform(size=X.shape) < 0.2] = missing
    return Data(X, None, X[:14], "object")
