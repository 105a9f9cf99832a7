"""Writes one case: the artefact, its inputs, and what the real library answers to them."""
import hashlib
import io
import json
import os
import pickle
import platform
import tempfile
import warnings
import zlib

import numpy as np
import scipy
import scipy.sparse
import sklearn

try:
    import joblib
except ImportError:
    joblib = None
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.externals import joblib as vendored
    if not hasattr(vendored, "dump"):
        vendored = None
except ImportError:
    vendored = None
try:
    import pandas
except ImportError:
    pandas = None

METHODS = ("predict", "predict_proba", "decision_function", "predict_log_proba", "transform", "score_samples", "kneighbors")
TOLERANCE = {"abs": 1e-6, "rel": 1e-5}
EXACT = {"abs": 0, "rel": 0}


class Unrecordable(Exception):
    """An output that the format of fixtures has no place for."""


def version_tag():
    return "sk" + "".join(sklearn.__version__.split(".")[:3]).replace("post", "p")


class Recorder(object):
    """Collects the cases of one folder, and writes its manifest."""

    def __init__(self, folder):
        self.folder, self.cases = folder, []

    def add(self, name, estimator, data, family_dir="sklearn", tolerance=None, methods=None, ambiguous_rows=None):
        """@raises Unrecordable, and whatever the estimator's methods raise on the probe"""
        seed = zlib.crc32((name + sklearn.__version__).encode())
        payload, form, suffix = dump(estimator, seed)
        reloaded = pickle.loads(pickle.dumps(estimator, 2))
        members = reloaded.items() if isinstance(reloaded, dict) else enumerate(reloaded) if isinstance(reloaded, (list, tuple)) else []
        outputs = [] if members else evaluate(reloaded, data.probe, tolerance or TOLERANCE, methods)
        for key, member in members:
            for output in evaluate(member, data.probe, tolerance or TOLERANCE, methods):
                outputs.append(dict(output, name="[{!r}].{}".format(key, output["name"])))
        if not outputs:
            raise Unrecordable("it has none of the methods recorded")
        inputs = encode_inputs(data.probe, data.kind)
        is_model = any(output["name"].startswith("predict") for output in outputs) or outputs[0]["name"] == "score_samples"
        kind = "container" if members else "model" if is_model else "transformer"
        near = near_tie_rows(outputs)
        expected = {"kind": kind, "outputs": outputs}
        if near:
            expected["near_tie_rows"] = near
        if ambiguous_rows:
            expected["ambiguous_rows"] = ambiguous_rows
        labels = getattr(estimator, "classes_", None)
        if isinstance(labels, np.ndarray) and labels.dtype.kind in "iufbUSO":
            expected["classes"] = plain(labels)
        directory = "{}/{}__{}-{}".format(family_dir, name, version_tag(), form)
        os.makedirs(os.path.join(self.folder, directory), exist_ok=True)
        artefact = directory + "/model" + suffix
        with open(os.path.join(self.folder, artefact), "wb") as file:
            file.write(payload)
        write_json(os.path.join(self.folder, directory, "inputs.json"), {"kind": data.kind, "inputs": inputs})
        write_json(os.path.join(self.folder, directory, "expected.json"), expected)
        names = globals_of(estimator)
        bare = lambda items: [{key: item[key] for key in item if key != "data"} for item in items]
        self.cases.append(
            {
                "id": os.path.basename(self.folder.rstrip("/")) + "/" + directory,
                "family": "sklearn",
                "case": name,
                "dir": directory,
                "artefact": artefact,
                "library": "scikit-learn",
                "version": sklearn.__version__,
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "joblib": getattr(joblib, "__version__", None),
                "pandas": getattr(pandas, "__version__", None),
                "python": platform.python_version(),
                "format": form,
                "estimators": [item for item in names if item.startswith("sklearn.")],
                "globals": names,
                "repr": " ".join(repr(estimator).split())[:300],
                "bytes": len(payload),
                "sha256": hashlib.sha256(payload).hexdigest(),
                "kind": kind,
                "input_kind": data.kind,
                "inputs": bare(inputs),
                "outputs": bare(outputs),
                "tolerance": tolerance or TOLERANCE,
                "ambiguous": bool(ambiguous_rows),
            }
        )

    def close(self):
        write_json(os.path.join(self.folder, "manifest.json"), {"cases": self.cases}, indent=1)


def dump(estimator, seed):
    """The estimator as bytes, in one of the forms that people use: chosen by `seed`, so that it stays."""
    protocols = range(0, pickle.HIGHEST_PROTOCOL + 1)
    forms = [("pickle", protocol) for protocol in protocols]
    modules = [("joblib", joblib), ("skjoblib", vendored)]
    for tag, module in modules:
        if module is not None:
            forms += [(tag, how) for how in (None, 3, "zlib", "gzip", "bz2", "lzma", "xz", "p2")]
    form, how = forms[seed % len(forms)]
    buffer = io.BytesIO()
    if form == "pickle":
        suffix = [".pkl", ".pickle", ".sav"][seed % 3]
        return pickle.dumps(estimator, how), "pickle-p{}".format(how), suffix
    module = dict(modules)[form]
    if how == "p2":
        options = {"protocol": 2}
    else:
        options = {} if how is None else {"compress": how if isinstance(how, int) else (how, 3)}
    # To a file: joblib's own compression of a buffer differs between versions.
    handle, path = tempfile.mkstemp()
    os.close(handle)
    try:
        module.dump(estimator, path, **options)
        with open(path, "rb") as file:
            buffer.write(file.read())
    finally:
        os.unlink(path)
    tag = form if how is None else "{}-{}".format(form, how if isinstance(how, str) else "z{}".format(how))
    return buffer.getvalue(), tag, [".joblib", ".pkl", ".joblib"][seed % 3]


def globals_of(estimator):
    """Every global that the pickle of the estimator refers to."""
    seen = set()

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            seen.add(module + "." + name)
            return pickle.Unpickler.find_class(self, module, name)

    Reader(io.BytesIO(pickle.dumps(estimator, 2))).load()
    return sorted(seen)


def evaluate(estimator, probe, tolerance, methods=None):
    """What each method that the estimator has answers, as the outputs of `expected.json`."""
    outputs = []
    is_classifier = hasattr(estimator, "classes_") or getattr(estimator, "_estimator_type", None) == "classifier"
    for method in methods or METHODS:
        function = getattr(estimator, method, None)
        if function is None:
            continue
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result = function(probe)
        except (AttributeError, NotImplementedError):
            continue
        # Methods on their way out: transform of classifiers and decision_function of regressors in 0.18.
        if any("Function {} is deprecated".format(method) in str(warning.message) for warning in caught):
            continue
        items = [(method, result)]
        if isinstance(result, (list, tuple)) and len(result) and hasattr(result[0], "shape"):
            items = [("{}[{}]".format(method, i), item) for i, item in enumerate(result)]
        for name, item in items:
            if scipy.sparse.issparse(item):
                item = item.toarray()
            if pandas is not None and isinstance(item, (pandas.DataFrame, pandas.Series)):
                item = item.values
            item = np.asarray(item)
            if item.shape[0] != len(probe):
                continue  # No row of results a row: a soft vote's transform before 0.21.
            kind, data = encode(item)
            exact = kind not in ("float64", "float32") or (method == "predict" and is_classifier)
            outputs.append({"name": name, "dtype": kind, "shape": list(item.shape), "data": data, "tolerance": EXACT if exact else tolerance})
    return outputs


def same(first, second):
    return np.allclose(np.asarray(first, dtype=float), np.asarray(second, dtype=float), 1e-3, 1e-3, equal_nan=True)


def plain(array):
    """Nested lists of JSON values: floats by their repr, NaN and infinities as strings, missing as null."""
    def one(value):
        if value is None or (pandas is not None and value is getattr(pandas, "NA", ())):
            return None
        if isinstance(value, (float, np.floating)):
            value = float(value)
            if value != value:
                return "NaN"
            return value if abs(value) != float("inf") else ("Infinity" if value > 0 else "-Infinity")
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        if isinstance(value, (int, np.integer)):
            return int(value)
        if isinstance(value, bytes):
            return value.decode()
        return str(value)

    def walk(item):
        return [walk(inner) for inner in item] if isinstance(item, (list, np.ndarray)) else one(item)

    return walk(array)


def encode(array):
    """(dtype, data) of an output. @raises Unrecordable for mixed objects"""
    if array.dtype.kind in "US":
        return "string", plain(array)
    if array.dtype.kind == "O":
        if all(isinstance(value, str) for value in array.ravel()):
            return "string", plain(array)
        try:
            return "float64", plain(array.astype(float))
        except (TypeError, ValueError):
            raise Unrecordable("an output of mixed objects")
    return str(array.dtype), plain(array)


def encode_inputs(probe, kind):
    if kind == "ndarray":
        probe = np.asarray(probe)
        return [{"name": "X", "dtype": str(probe.dtype), "shape": list(probe.shape), "data": plain(probe)}]
    if kind == "object":
        missing = ["None" if any(value is None for value in probe.ravel()) else "nan"] if has_gaps(probe.ravel()) else []
        entry = {"name": "X", "dtype": "string", "shape": list(probe.shape), "data": texts(probe)}
        return [dict(entry, missing=missing[0]) if missing else entry]
    if kind == "dataframe":
        return [column(str(name), probe[name]) for name in probe.columns]
    if kind == "text":
        return [{"name": "text", "dtype": "string", "shape": [len(probe)], "data": list(probe)}]
    if kind == "labels":
        probe = np.asarray(probe)
        dtype, data = encode(probe)
        return [{"name": "y", "dtype": dtype, "shape": [len(probe)], "data": data}]
    if kind == "labelsets":
        return [{"name": "y", "dtype": "labelsets", "shape": [len(probe)], "data": [list(labels) for labels in probe]}]
    if kind == "dicts":
        return [{"name": "X", "dtype": "dicts", "shape": [len(probe)], "data": probe}]
    raise ValueError(kind)


def has_gaps(values):
    return any(value is None or value != value for value in values)


def texts(array):
    return [[None if value is None or value != value else value if isinstance(value, str) else plain(value) for value in row] for row in array]


def column(name, series):
    values = series.values
    if values.dtype == object or not isinstance(values, np.ndarray) or values.dtype.kind not in "iufb":
        data = [None if item is None or item is getattr(pandas, "NA", ()) or item != item else str(item) for item in series]
        entry = {"name": name, "dtype": "string", "shape": [len(series)], "data": data}
        if None in data:
            entry["missing"] = "None" if any(item is None for item in series) else "nan"
        return entry
    return {"name": name, "dtype": str(values.dtype), "shape": [len(series)], "data": plain(values)}


def near_tie_rows(outputs):
    """Rows whose two best scores are closer than 1e-6: there the label may flip."""
    near = set()
    for output in outputs:
        if output["name"].split("[")[0] not in ("predict_proba", "decision_function") or output["dtype"] == "string":
            continue
        scores = np.array(output["data"], dtype=object)
        for row, values in enumerate(scores):
            values = sorted((float(value) for value in np.ravel(values)), reverse=True)
            gap = abs(values[0]) if len(values) == 1 else values[0] - values[1]
            if output["name"] == "decision_function" and len(values) > 1:
                gap = min([gap] + [abs(value) for value in values])
            if gap < 1e-6:
                near.add(row)
    return sorted(near)


def write_json(path, value, indent=None):
    with io.open(path, "w", encoding="utf-8") as file:
        separators = None if indent else (",", ":")
        file.write(json.dumps(value, ensure_ascii=False, indent=indent, separators=separators) + "\n")
