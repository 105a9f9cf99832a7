"""Decision trees."""
import numpy as np

from data import classes, multilabel, multioutput_classes, named, regression, with_gaps

from .variants import each


def cases(add):
    binary = lambda rng: classes(rng, 2, 4, "string")
    multi = lambda rng: classes(rng, 4, 3, "negative")
    reg = lambda rng: regression(rng, 4, n=80)
    for name, stem in (("DecisionTreeClassifier", "tree_clf"), ("ExtraTreeClassifier", "extratree_clf")):
        for tag, data in (("binary", binary), ("multi", multi)):
            each(
                add, stem + "_" + tag, name, data,
                plain={"random_state": 0}, depth={"max_depth": 3, "random_state": 0}, leaves={"max_leaf_nodes": 6, "random_state": 0}, entropy={"criterion": "entropy", "max_depth": 4, "random_state": 0},
                log_loss={"criterion": "log_loss", "max_depth": 4, "random_state": 0}, stump={"max_depth": 1, "random_state": 0}, balanced={"class_weight": "balanced", "min_samples_leaf": 4, "random_state": 0},
                pruned={"ccp_alpha": 0.02, "random_state": 0}, random={"splitter": "random", "max_features": "sqrt", "max_depth": 5, "random_state": 0}, decrease={"min_impurity_decrease": 0.01, "random_state": 0},
            )
        for style in ("int", "gaps", "unicode", "float", "bool", "uint8"):
            add(stem + "_" + style, lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng, st=style: classes(rng, 2, 3, st))
        add(stem + "_multioutput", lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng: multioutput_classes(rng))
        add(stem + "_multilabel", lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng: multilabel(rng))
        add(stem + "_weights", lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng: _weighted(classes(rng, 3, 4), rng))
        add(stem + "_root_only", lambda s, n=name: getattr(s, n)(min_samples_split=1000), binary)
        add(stem + "_one_class", lambda s, n=name: getattr(s, n)(), lambda rng: classes(rng, 1, 3, "string"))
        add(stem + "_one_feature", lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng: classes(rng, 2, 1))
        add(stem + "_frame", lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng: named(classes(rng, 3, 5, "unicode")))
        add(stem + "_missing", lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng: with_gaps(classes(rng, 3, 4, "string"), rng))
        add(stem + "_large_values", lambda s, n=name: getattr(s, n)(random_state=0), lambda rng: _scaled(classes(rng, 3, 4), 1e7))
        add(stem + "_integers", lambda s, n=name: getattr(s, n)(random_state=0), lambda rng: _integers(classes(rng, 3, 4)))
    for name, stem in (("DecisionTreeRegressor", "tree_reg"), ("ExtraTreeRegressor", "extratree_reg")):
        each(
            add, stem, name, reg,
            plain={"random_state": 0}, depth={"max_depth": 3, "random_state": 0}, leaves={"max_leaf_nodes": 7, "random_state": 0}, mae={"criterion": "mae", "max_depth": 4, "random_state": 0},
            absolute={"criterion": "absolute_error", "max_depth": 4, "random_state": 0}, friedman={"criterion": "friedman_mse", "max_depth": 4, "random_state": 0}, pruned={"ccp_alpha": 0.1, "random_state": 0},
            stump={"max_depth": 1, "random_state": 0},
        )
        add(stem + "_poisson", lambda s, n=name: getattr(s, n)(criterion="poisson", max_depth=4, random_state=0), lambda rng: regression(rng, 4, positive=True))
        add(stem + "_targets", lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng: regression(rng, 4, 3))
        add(stem + "_missing", lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng: with_gaps(regression(rng, 4), rng))
        add(stem + "_float32", lambda s, n=name: getattr(s, n)(max_depth=4, random_state=0), lambda rng: regression(rng, 4, dtype=np.float32))
        add(stem + "_monotonic", lambda s, n=name: getattr(s, n)(max_depth=4, monotonic_cst=[1, 0, -1, 0], random_state=0), reg)
        add(stem + "_no_split", lambda s, n=name: getattr(s, n)(max_depth=4), lambda rng: _constant(regression(rng, 4)))


def _weighted(data, rng):
    data.fit = {"sample_weight": rng.uniform(0.1, 3, len(data.X))}
    return data


def _scaled(data, by):
    data.X, data.probe = data.X * by + 1 / 3.0, data.probe * by + 1 / 3.0
    return data


def _integers(data):
    data.X, data.probe = np.round(data.X * 3), np.round(data.probe * 3)
    return data


def _constant(data):
    data.y = np.full(len(data.X), 1.25)
    return data
