"""What learns from rows without labels, or with few: semi-supervised classifiers, neighbours alone, groups of features."""
import numpy as np

from data import binary_features, classes, counts, named, regression

from .variants import each


def cases(add):
    for tag, p in (("plain", {}), ("best", {"criterion": "k_best", "k_best": 5}), ("low", {"threshold": 0.6})):
        for name, parameters in (("LogisticRegression", {}), ("DecisionTreeClassifier", {"max_depth": 3, "random_state": 0}), ("SVC", {"probability": True, "random_state": 0})):
            add("self_training_{}_{}".format(tag, name), lambda s, p=p, n=name, o=parameters: s.SelfTrainingClassifier(getattr(s, n)(**o), **p), _few_labels)
    add("self_training_pipeline", lambda s: s.SelfTrainingClassifier(s.make_pipeline(s.StandardScaler(), s.LogisticRegression())), _few_labels)
    add("self_training_frame", lambda s: s.SelfTrainingClassifier(s.LogisticRegression()), lambda rng: named(_few_labels(rng)))
    near = lambda rng: _near(_few_labels(rng))
    for name, stem in (("LabelPropagation", "label_propagation"), ("LabelSpreading", "label_spreading")):
        each(add, stem, name, near, plain={}, wide={"gamma": 0.5, "max_iter": 200}, narrow={"gamma": 2.0})
        for k in (3, 7):
            add("{}_knn{}".format(stem, k), lambda s, n=name, k=k: getattr(s, n)(kernel="knn", n_neighbors=k, max_iter=500), near)
        add(stem + "_frame", lambda s, n=name: getattr(s, n)(gamma=1.0), lambda rng: named(_near(_few_labels(rng))))
    for tag, p in (("plain", {}), ("brute", {"algorithm": "brute"}), ("tree", {"algorithm": "kd_tree"}), ("manhattan", {"metric": "manhattan"}), ("cosine", {"metric": "cosine", "algorithm": "brute"}), ("one", {"n_neighbors": 1})):
        add("nearest_neighbors_" + tag, lambda s, p=p: s.NearestNeighbors(**p), lambda rng: _unlabelled(_near(regression(rng, 4, n=60))))
    add("nearest_neighbors_frame", lambda s: s.NearestNeighbors(n_neighbors=3), lambda rng: _unlabelled(named(_near(regression(rng, 4, n=60)))))
    add("nearest_neighbors_many", lambda s: s.NearestNeighbors(n_neighbors=4), lambda rng: _unlabelled(_near(regression(rng, 8, n=1500))))
    plain = lambda rng: _unlabelled(regression(rng, 7))
    each(
        add, "feature_agglomeration", "FeatureAgglomeration", plain,
        plain={"n_clusters": 3}, max={"n_clusters": 3, "pooling_func": np.max}, min={"pooling_func": np.min}, sum={"n_clusters": 4, "pooling_func": np.sum}, median={"pooling_func": np.median}, all={"n_clusters": 7}, complete={"n_clusters": 2, "linkage": "complete"},
    )
    add("feature_agglomeration_pipeline", lambda s: s.make_pipeline(s.FeatureAgglomeration(3), s.LogisticRegression()), lambda rng: classes(rng, 2, 6))
    add("bernoulli_rbm", lambda s: s.BernoulliRBM(5, random_state=0, n_iter=4), lambda rng: _unlabelled(binary_features(rng)), methods=["transform"])
    add("bernoulli_rbm_pipeline", lambda s: s.make_pipeline(s.MinMaxScaler(), s.BernoulliRBM(4, random_state=0, n_iter=4), s.LogisticRegression()), lambda rng: classes(rng, 3, 6))
    positive = lambda rng: _unlabelled(counts(rng))
    each(add, "additive_chi2", "AdditiveChi2Sampler", positive, plain={}, one={"sample_steps": 1}, three={"sample_steps": 3}, interval={"sample_steps": 4, "sample_interval": 0.3})
    add("additive_chi2_pipeline", lambda s: s.make_pipeline(s.AdditiveChi2Sampler(), s.SGDClassifier(random_state=0)), lambda rng: counts(rng))
    each(add, "skewed_chi2", "SkewedChi2Sampler", positive, plain={"n_components": 12, "random_state": 0}, skewed={"skewedness": 0.1, "n_components": 9, "random_state": 1})
    each(
        add, "polynomial_count_sketch", "PolynomialCountSketch", plain,
        plain={"n_components": 16, "random_state": 0}, cubic={"degree": 3, "n_components": 15, "random_state": 0}, constant={"degree": 2, "coef0": 1.5, "gamma": 0.3, "n_components": 20, "random_state": 0}, line={"degree": 1, "n_components": 11, "random_state": 0},
    )


def _few_labels(rng):
    data = classes(rng, 3, 4)
    data.y = np.where(rng.uniform(size=len(data.y)) < 0.6, -1, data.y)
    return data


def _near(data):
    data.probe = data.X[::4] + 0.05
    return data


def _unlabelled(data):
    data.y = None
    return data
