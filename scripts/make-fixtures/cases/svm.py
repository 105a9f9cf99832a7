"""Support vector machines."""
import numpy as np

from data import classes, named, regression

from .variants import each


def cases(add):
    for kernel in ("linear", "rbf", "poly", "sigmoid"):
        for style, count in (("string", 2), ("negative", 2), ("int", 3), ("unicode", 4)):
            data = lambda rng, c=count, st=style: classes(rng, c, 4, st, n=60, large=30.0)
            stem = "svc_{}_{}{}".format(kernel, style, count)
            add(stem, lambda s, k=kernel: s.SVC(kernel=k, gamma="auto", random_state=0), data)
            add(stem + "_proba", lambda s, k=kernel: s.SVC(kernel=k, gamma="auto", probability=True, random_state=0), data)
    binary = lambda rng: classes(rng, 2, 4, "string", n=60, large=30.0)
    multi = lambda rng: classes(rng, 4, 3, "gaps", n=60, large=30.0, spread=0.9)
    each(
        add, "svc_binary", "SVC", binary,
        default={}, scale={"gamma": "scale"}, gamma={"gamma": 0.07}, c={"C": 100.0, "gamma": "scale"}, balanced={"class_weight": "balanced", "gamma": "scale"},
        poly={"kernel": "poly", "degree": 2, "coef0": 1.5, "gamma": 0.2}, sigmoid={"kernel": "sigmoid", "coef0": -0.5, "gamma": 0.05}, ovo={"decision_function_shape": "ovo", "gamma": "scale"},
        proba_weights={"probability": True, "class_weight": {"ham": 3, "other": 1}, "gamma": "scale", "random_state": 0}, poly5={"kernel": "poly", "degree": 5, "gamma": 0.1},
    )
    each(
        add, "svc_multi", "SVC", multi,
        default={}, ovo={"decision_function_shape": "ovo", "gamma": "scale"}, ovr={"decision_function_shape": "ovr", "gamma": "scale"},
        break_ties={"break_ties": True, "gamma": "scale"}, proba_ovo={"probability": True, "decision_function_shape": "ovo", "gamma": "scale", "random_state": 0},
        balanced={"class_weight": "balanced", "gamma": "scale"}, linear={"kernel": "linear", "C": 0.1}, poly={"kernel": "poly", "degree": 3, "coef0": 1.0, "gamma": "scale"},
    )
    add("svc_frame", lambda s: s.SVC(gamma="scale"), lambda rng: named(classes(rng, 3, 4, "string", n=50)))
    add("svc_one_feature", lambda s: s.SVC(gamma="scale"), lambda rng: classes(rng, 2, 1, n=50))
    add("svc_bool", lambda s: s.SVC(gamma="scale", probability=True, random_state=0), lambda rng: classes(rng, 2, 3, "bool", n=50))
    add("svc_float32", lambda s: s.SVC(gamma="scale"), lambda rng: classes(rng, 3, 4, n=50, dtype=np.float32, large=30.0))
    for nu in (0.2, 0.5):
        tag = str(nu).replace(".", "")
        add("nusvc_" + tag, lambda s, n=nu: s.NuSVC(nu=n, gamma="scale"), lambda rng: classes(rng, 2, 4, "string", n=60, large=30.0))
        add("nusvc_multi_" + tag, lambda s, n=nu: s.NuSVC(nu=n, gamma="scale", probability=True, random_state=0), lambda rng: classes(rng, 3, 4, n=60, large=30.0))
        add("nusvr_" + tag, lambda s, n=nu: s.NuSVR(nu=n, gamma="scale"), lambda rng: regression(rng, 4, n=50, large=30.0))
    reg = lambda rng: regression(rng, 4, n=50, large=30.0)
    each(
        add, "svr", "SVR", reg,
        default={}, linear={"kernel": "linear"}, poly={"kernel": "poly", "degree": 2, "gamma": 0.1, "coef0": 1.0}, sigmoid={"kernel": "sigmoid", "gamma": 0.05, "coef0": 0.3},
        c={"C": 50.0, "epsilon": 0.5, "gamma": "scale"}, few={"epsilon": 100.0, "gamma": "scale"},
    )
    each(add, "oneclass_svm", "OneClassSVM", _unlabelled, default={}, linear={"kernel": "linear", "nu": 0.3}, poly={"kernel": "poly", "gamma": 0.2, "coef0": 1.0, "nu": 0.2}, sigmoid={"kernel": "sigmoid", "gamma": 0.05, "nu": 0.4}, auto={"gamma": "auto", "nu": 0.1})
    each(add, "sgd_oneclass", "SGDOneClassSVM", _unlabelled, plain={"random_state": 0, "nu": 0.2}, raw={"random_state": 0, "fit_intercept": False})
    for style, count in (("string", 2), ("bool", 2), ("negative", 3), ("unicode", 4)):
        data = lambda rng, c=count, st=style: classes(rng, c, 4, st)
        each(
            add, "linear_svc_{}{}".format(style, count), "LinearSVC", data,
            plain={"random_state": 0}, hinge={"loss": "hinge", "random_state": 0, "max_iter": 5000}, l1={"penalty": "l1", "dual": False, "random_state": 0},
            raw={"fit_intercept": False, "random_state": 0}, crammer={"multi_class": "crammer_singer", "random_state": 0}, auto={"dual": "auto", "class_weight": "balanced"},
        )


def _unlabelled(rng):
    data = classes(rng, 1, 4, n=60, large=30.0)
    data.y = None
    return data
