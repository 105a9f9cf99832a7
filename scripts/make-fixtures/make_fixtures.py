"""
Writes golden cases of the installed scikit-learn: `python make_fixtures.py FOLDER [--only TEXT]`.

Each case is an artefact, its inputs and what the library answers, laid out as `vitrina verify --manifest` reads them.
Runs under scikit-learn 0.19 to the newest. A case that the installed version cannot build is left out and named.
"""
import argparse
import os
import sys
import traceback
import warnings
import zlib

import numpy as np

from cases import ALL
from data import Data
from estimators import Estimators, Missing
from record import Recorder, Unrecordable


def thresholds(estimator, found):
    """(feature, threshold) of every split of the trees inside an estimator that sees the raw rows."""
    tree = getattr(estimator, "tree_", None)
    if tree is not None and hasattr(tree, "threshold"):
        found += [(int(f), float(t)) for f, t in zip(tree.feature, tree.threshold) if f >= 0]
    for row in getattr(estimator, "_predictors", None) or []:
        for predictor in row:
            nodes = predictor.nodes
            key = "num_threshold" if "num_threshold" in nodes.dtype.names else "threshold"
            categorical = nodes["is_categorical"] if "is_categorical" in nodes.dtype.names else np.zeros(len(nodes))
            found += [(int(n["feature_idx"]), float(n[key])) for n, c in zip(nodes, categorical) if not n["is_leaf"] and not c]
    parts = getattr(estimator, "estimators_", None)
    if parts is not None and not hasattr(estimator, "estimators_features_"):
        for part in np.ravel(np.array(parts, dtype=object)):
            thresholds(part, found)
    return found


def on_thresholds(estimator, data):
    """Rows with a feature exactly on a threshold, and one step of a double or of a float beside it."""
    found = [(f, t) for f, t in thresholds(estimator, []) if np.isfinite(t)]
    width = data.X.shape[1]
    found = [(f, t) for f, t in found if f < width]
    if not found:
        return data
    rng = np.random.RandomState(7)
    extra = []
    for index in rng.permutation(len(found))[:8]:
        feature, threshold = found[index]
        single = np.float32(threshold)
        near = [threshold, np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf), float(single)]
        near += [float(np.nextafter(single, np.float32(np.inf))), float(np.nextafter(single, np.float32(-np.inf)))]
        for value in near:
            row = np.array(data.probe, dtype=float)[rng.randint(len(data.probe))]
            row[feature] = value
            extra.append(row)
    probe = np.vstack([np.asarray(data.probe), np.array(extra).astype(np.asarray(data.probe).dtype)])
    if data.kind == "dataframe":
        import pandas

        probe = pandas.DataFrame(probe, columns=data.probe.columns)
    return Data(data.X, data.y, probe, data.kind, fit=data.fit)


def parts_of(estimator):
    """The estimators to fit: those of a dictionary, list or tuple that a user would save in one file."""
    values = estimator.values() if isinstance(estimator, dict) else estimator if isinstance(estimator, (list, tuple)) else [estimator]
    return [value for value in values if hasattr(value, "fit")]


class Maker(object):
    def __init__(self, folder, only):
        self.estimators, self.recorder = Estimators(), Recorder(folder)
        self.only, self.left_out, self.names = only, [], set()

    def add(self, name, build, make_data, **options):
        """Fits `build(estimators)` on `make_data(rng)` and records it; what this version does not have is left out."""
        if name in self.names:
            raise ValueError("two cases are called " + name)
        self.names.add(name)
        if self.only and not any(text in name for text in self.only):
            return
        rng = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
        stage = "build"
        try:
            data = make_data(rng)
            estimator = build(self.estimators)
            stage = "fit"
            arguments = (data.X,) if data.y is None else (data.X, data.y)
            for part in parts_of(estimator):
                part.fit(*arguments, **data.fit)
            stage = "record"
            if data.thresholds and data.kind in ("ndarray", "dataframe"):
                data = on_thresholds(estimator, data)
            ambiguous = options.pop("ambiguous", None)
            if ambiguous is not None:
                options["ambiguous_rows"] = ambiguous(estimator, data)
            self.recorder.add(name, estimator, data, **options)
        except Missing as missing:
            self.left_out.append((name, "no " + str(missing)))
        except Unrecordable as reason:
            self.left_out.append((name, str(reason)))
        except Exception as error:
            self.left_out.append((name, "{}: {}: {}".format(stage, type(error).__name__, " ".join(str(error).split())[:160])))
            if os.environ.get("TRACE"):
                traceback.print_exc()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--only", nargs="+", help="only cases whose name has one of these texts")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    np.seterr(all="ignore")
    maker = Maker(arguments.folder, arguments.only)
    for family in ALL:
        family(maker.add)
    maker.recorder.close()
    for name, reason in maker.left_out:
        sys.stderr.write("left out: {}: {}\n".format(name, reason))
    print("{} cases, {} left out".format(len(maker.recorder.cases), len(maker.left_out)))


if __name__ == "__main__":
    main()
