"""Naive Bayes, and the estimators that do not look at their input."""
import numpy as np

from data import binary_features, classes, counts, regression, Data, multilabel

from .variants import each


def cases(add):
    for style, count in (("int", 2), ("string", 3), ("negative", 3), ("bool", 2), ("unicode", 4)):
        tag = "{}{}".format(style, count)
        gauss = lambda rng, c=count, st=style: classes(rng, c, 4, st)
        counted = lambda rng, c=count, st=style: counts(rng, c, 6, st)
        binary = lambda rng, c=count, st=style: binary_features(rng, c, 7, st)
        priors = [0.7, 0.3] if count == 2 else [0.5, 0.2, 0.3] if count == 3 else [0.1, 0.2, 0.3, 0.4]
        each(add, "gaussian_nb_" + tag, "GaussianNB", gauss, plain={}, priors={"priors": priors}, smoothing={"var_smoothing": 0.1})
        each(add, "multinomial_nb_" + tag, "MultinomialNB", counted, plain={}, alpha={"alpha": 0.1}, uniform={"fit_prior": False}, prior={"class_prior": priors}, zero={"alpha": 0})
        each(add, "complement_nb_" + tag, "ComplementNB", counted, plain={}, norm={"norm": True, "alpha": 0.5})
        each(add, "bernoulli_nb_" + tag, "BernoulliNB", binary, plain={}, threshold={"binarize": 0.5, "alpha": 2.0}, none={"binarize": None}, uniform={"fit_prior": False})
        each(add, "categorical_nb_" + tag, "CategoricalNB", lambda rng, c=count, st=style: _codes(rng, c, st), plain={}, alpha={"alpha": 0.3, "fit_prior": False}, minimum={"min_categories": 7})
    add("gaussian_nb_one_feature", lambda s: s.GaussianNB(), lambda rng: classes(rng, 2, 1))
    add("multinomial_nb_weights", lambda s: s.MultinomialNB(), lambda rng: _weighted(counts(rng, 3, 6), rng))
    add("gaussian_nb_partial", _partial("GaussianNB"), lambda rng: classes(rng, 3, 4, "string"))
    data = lambda rng: classes(rng, 3, 2, "string")
    each(
        add, "dummy_clf", "DummyClassifier", data,
        frequent={"strategy": "most_frequent"}, prior={"strategy": "prior"}, constant={"strategy": "constant", "constant": "spam"}, default={"random_state": 0},
    )
    add("dummy_clf_int", lambda s: s.DummyClassifier(strategy="most_frequent"), lambda rng: classes(rng, 2, 2, "negative"))
    add("dummy_clf_multioutput", lambda s: s.DummyClassifier(strategy="prior"), multilabel)
    reg = lambda rng: regression(rng, 2)
    each(
        add, "dummy_reg", "DummyRegressor", reg,
        mean={}, median={"strategy": "median"}, quantile={"strategy": "quantile", "quantile": 0.8}, constant={"strategy": "constant", "constant": 4.5},
    )
    add("dummy_reg_targets", lambda s: s.DummyRegressor(), lambda rng: regression(rng, 2, 3))


def _codes(rng, count, style):
    base = classes(rng, count, 3, style)
    X = rng.randint(0, 5, (len(base.X), 3)) + (np.arange(len(base.X)) % count)[:, None] % 2
    X[0] = 5
    return Data(X.astype(float), base.y, X[:12].astype(float))


def _weighted(data, rng):
    data.fit = {"sample_weight": rng.uniform(0.1, 3, len(data.X))}
    return data


def _partial(name):
    def build(s):
        class Fitted(getattr(s, name)):
            def fit(self, X, y):
                for part in np.array_split(np.arange(len(X)), 3):
                    self.partial_fit(X[part], y[part], classes=np.unique(y))
                self.__class__ = getattr(s, name)
                return self

        return Fitted()

    return build
