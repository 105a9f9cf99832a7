"""Encoders of categories and labels."""
import numpy as np

from data import Data, categories, classes, frame, LABELS

from .variants import each


def _texts(rng, unseen=True):
    data = categories(rng, unseen=unseen)
    data.y = None
    return data


def _gaps(rng, missing=np.nan, unseen=True):
    data = _texts(rng, unseen)
    for X in (data.X, data.probe):
        X[rng.uniform(size=X.shape) < 0.2] = missing
    return data


def _integers(rng, unseen=True):
    values = np.array([-3, 0, 5, 100])
    X = np.column_stack([values[rng.randint(4, size=50)], rng.randint(0, 3, 50)])
    probe = X[:10]
    if unseen:
        probe = np.vstack([probe, [[7, 1], [5, 9], [-3, -1]]])
    return Data(X, None, probe, thresholds=False)


def _floats(rng, nan=False):
    values = np.array([-0.5, 0.1, 0.30000000000000004, np.nan if nan else 1e9])
    X = np.column_stack([values[rng.randint(4, size=50)], rng.randint(0, 3, 50).astype(float)])
    return Data(X, None, np.vstack([X[:10], [[0.3, 1.0]]]), thresholds=False)


def cases(add):
    _onehot(add)
    _ordinal(add)
    _target(add)
    _labels(add)


def _onehot(add):
    ignore = {"handle_unknown": "ignore"}
    each(
        add, "onehot", "OneHotEncoder", _texts,
        ignore=dict(ignore), dense_old=dict(ignore, sparse=False), dense=dict(ignore, sparse_output=False), float32=dict(ignore, dtype=np.float32), ints=dict(ignore, dtype=np.int64), drop_first=dict(ignore, drop="first"), drop_binary=dict(ignore, drop="if_binary"),
        frequency=dict(ignore, min_frequency=14), share=dict(ignore, min_frequency=0.25), few=dict(ignore, max_categories=3), infrequent={"handle_unknown": "infrequent_if_exist", "min_frequency": 14}, infrequent_few={"handle_unknown": "infrequent_if_exist", "max_categories": 2}, warn={"handle_unknown": "warn", "min_frequency": 14},
        given=dict(ignore, categories=[[u"blue", u"caf\u00e9", u"green", u"red", u"violet"], ["L", "M", "S"]]), drop_infrequent={"handle_unknown": "infrequent_if_exist", "min_frequency": 14, "drop": "first"},
    )
    known = lambda rng: _texts(rng, unseen=False)
    each(add, "onehot_known", "OneHotEncoder", known, plain={}, drop={"drop": "first"}, drop_each={"drop": ["green", "M"]}, binary={"drop": "if_binary"})
    each(add, "onehot_nan", "OneHotEncoder", _gaps, ignore=dict(ignore), drop=dict(ignore, drop="first"))
    add("onehot_none", lambda s: s.OneHotEncoder(handle_unknown="ignore"), lambda rng: _gaps(rng, None))
    each(add, "onehot_int", "OneHotEncoder", _integers, ignore=dict(ignore), auto=dict(ignore, categories="auto"), drop=dict(ignore, drop="first"), frequency={"handle_unknown": "infrequent_if_exist", "min_frequency": 15}, given=dict(ignore, categories=[[-3, 0, 5, 100], [0, 1, 2, 3]]))
    add("onehot_values", lambda s: s.OneHotEncoder(), lambda rng: _small_codes(rng))
    add("onehot_values_ignore", lambda s: s.OneHotEncoder(handle_unknown="ignore"), lambda rng: _small_codes(rng, True))
    add("onehot_n_values", lambda s: s.OneHotEncoder(n_values=6, handle_unknown="ignore"), lambda rng: _small_codes(rng, True))
    add("onehot_some", lambda s: s.OneHotEncoder(categorical_features=[1], handle_unknown="ignore"), lambda rng: _small_codes(rng))
    add("onehot_float", lambda s: s.OneHotEncoder(handle_unknown="ignore", categories="auto"), _floats)
    add("onehot_float_nan", lambda s: s.OneHotEncoder(handle_unknown="ignore"), lambda rng: _floats(rng, True))
    add("onehot_bool", lambda s: s.OneHotEncoder(), lambda rng: Data(rng.uniform(size=(30, 2)) < 0.5, None, np.array([[True, False], [False, True]])))
    for dtype in ("object", "category", "string"):
        add("onehot_frame_" + dtype, lambda s: s.OneHotEncoder(handle_unknown="ignore"), lambda rng, d=dtype: _text_columns(frame(rng, dtype=d)))
        add("onehot_frame_gaps_" + dtype, lambda s: s.OneHotEncoder(handle_unknown="ignore"), lambda rng, d=dtype: _frame_gaps(_text_columns(frame(rng)), d))
    add("onehot_frame_mixed", lambda s: s.OneHotEncoder(handle_unknown="ignore"), lambda rng: _columns(frame(rng), ["city", "visits"]))


def _small_codes(rng, unseen=False):
    X = rng.randint(0, 4, (50, 2))
    probe = X[:10]
    if unseen:
        probe = np.vstack([probe, [[5, 1], [1, 4]]])
    return Data(X, None, probe, thresholds=False)


def _columns(data, names):
    data.X, data.probe, data.y = data.X[names], data.probe[names], None
    return data


def _text_columns(data):
    return _columns(data, ["city", "sex"])


def _frame_gaps(data, dtype):
    for X in (data.X, data.probe):
        X.loc[X.index[::5], "city"] = None if dtype == "object" else np.nan
    data.X, data.probe = data.X.astype(dtype), data.probe.astype(dtype)
    return data


def _ordinal(add):
    known = lambda rng: _texts(rng, unseen=False)
    each(add, "ordinal", "OrdinalEncoder", known, plain={}, float32={"dtype": np.float32}, ints={"dtype": np.int64}, given={"categories": [[u"red", u"green", u"blue", u"caf\u00e9"], ["S", "M", "L"]]})
    value = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    each(
        add, "ordinal_unknown", "OrdinalEncoder", _texts,
        minus=dict(value), nan=dict(value, unknown_value=np.nan), far=dict(value, unknown_value=99), frequency=dict(value, min_frequency=14), few=dict(value, max_categories=2),
    )
    each(add, "ordinal_gaps", "OrdinalEncoder", _gaps, plain=dict(value), encoded=dict(value, encoded_missing_value=-2), ints=dict(value, encoded_missing_value=-2, dtype=np.int32))
    add("ordinal_none", lambda s: s.OrdinalEncoder(**value), lambda rng: _gaps(rng, None))
    add("ordinal_int", lambda s: s.OrdinalEncoder(), lambda rng: _integers(rng, False))
    add("ordinal_int_unknown", lambda s: s.OrdinalEncoder(**value), _integers)
    add("ordinal_float_nan", lambda s: s.OrdinalEncoder(**value), lambda rng: _floats(rng, True))
    for dtype in ("object", "category", "string"):
        add("ordinal_frame_" + dtype, lambda s: s.OrdinalEncoder(**value), lambda rng, d=dtype: _text_columns(frame(rng, dtype=d)))


def _target(add):
    number = lambda rng: _numbered(categories(rng), rng)
    each(add, "target_encoder", "TargetEncoder", number, plain={"random_state": 0}, smooth={"smooth": 5.0, "random_state": 0}, continuous={"target_type": "continuous", "random_state": 0})
    add("target_encoder_binary", lambda s: s.TargetEncoder(random_state=0), lambda rng: categories(rng, style="string"))
    add("target_encoder_multi", lambda s: s.TargetEncoder(random_state=0), lambda rng: _three(categories(rng)))
    add("target_encoder_frame", lambda s: s.TargetEncoder(random_state=0), lambda rng: _keep_y(frame(rng, missing=False), ["city", "sex", "visits"]))


def _numbered(data, rng):
    data.y = rng.randn(len(data.X)) + (data.X[:, 0] == "red") * 3
    return data


def _three(data):
    data.y = np.array(["a", "b", "c"])[np.arange(len(data.X)) % 3]
    return data


def _keep_y(data, names):
    data.X, data.probe = data.X[names], data.probe[names]
    return data


def _labels(add):
    for style in ("int", "negative", "gaps", "string", "unicode", "float", "bool"):
        for count in (2, 4):
            if style == "bool" and count > 2:
                continue
            def data(rng, st=style, c=count):
                values = LABELS[st][:c]
                y = np.array([values[i] for i in np.concatenate([np.arange(c), rng.randint(c, size=20)])])
                return Data(y, None, y[rng.permutation(len(y))[:9]], "labels", thresholds=False)

            add("label_encoder_{}{}".format(style, count), lambda s: s.LabelEncoder(), data)
            add("label_binarizer_{}{}".format(style, count), lambda s: s.LabelBinarizer(), data)
            add("label_binarizer_values_{}{}".format(style, count), lambda s: s.LabelBinarizer(neg_label=-1, pos_label=2), data)
    add("label_binarizer_sparse", lambda s: s.LabelBinarizer(sparse_output=True), lambda rng: Data(np.array(["a", "b", "c", "a"]), None, np.array(["c", "zzz", "a"]), "labels"))
    sets = [[u"news", u"sport"], [u"caf\u00e9"], [], [u"news", u"caf\u00e9", u"sport"]]
    for tag, parameters in (("plain", {}), ("sparse", {"sparse_output": True}), ("given", {"classes": [u"sport", u"news", u"caf\u00e9", u"art"]})):
        add("multilabel_binarizer_" + tag, lambda s, p=parameters: s.MultiLabelBinarizer(**p), lambda rng: Data(sets, None, sets + [[u"sport"]], "labelsets"))
    add("multilabel_binarizer_int", lambda s: s.MultiLabelBinarizer(), lambda rng: Data([[1, 5], [3], [], [-2, 1]], None, [[1], [5, 3], []], "labelsets"))
    records = [{"city": "Dubai", "temp": 33.0}, {"city": "London", "temp": 12.0}, {"city": u"S\u00e3o Paulo", "temp": 18.0, "rain": True}]
    asked = records + [{}, {"city": "NEVER", "temp": -1.5}, {"b": 7, "zz": 1}]
    for tag, parameters in (("plain", {}), ("dense", {"sparse": False}), ("separator", {"separator": "::"}), ("unsorted", {"sort": False}), ("float32", {"dtype": np.float32})):
        add("dict_vectorizer_" + tag, lambda s, p=parameters: s.DictVectorizer(**p), lambda rng: Data(records, None, asked, "dicts"))
    lists = {"string": [["a", "b", "a"], [], [u"\u65e5\u672c"]], "pair": [[["a", 1], ["b", "t"], ["a", 2.5]], [], [[u"\u00e9", -3]]], "dict": asked}
    for kind in ("dict", "pair", "string"):
        for signed in (True, False):
            build = lambda s, k=kind, a=signed: s.FeatureHasher(n_features=16, input_type=k, alternate_sign=a)
            probe = lambda rng, k=kind: Data(lists[k], None, lists[k], "dicts" if k == "dict" else "labelsets")
            add("feature_hasher_{}_{}".format(kind, "signed" if signed else "plain"), build, probe)
