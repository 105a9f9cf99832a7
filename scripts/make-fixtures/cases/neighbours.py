"""Nearest neighbours, clusters, mixtures, outliers."""
import numpy as np

from data import classes, grid, named, regression, multilabel, multioutput_classes

from ties import neighbour_ties as _ties

from .variants import each


def cases(add):
    _neighbours(add)
    _clusters(add)
    _outliers(add)


def _neighbours(add):
    for algorithm in ("brute", "kd_tree", "ball_tree", "auto"):
        for weights in ("uniform", "distance"):
            for metric, more in (("minkowski", {}), ("manhattan", {}), ("chebyshev", {}), ("minkowski", {"p": 3}), ("minkowski", {"p": 1}), ("euclidean", {}), ("minkowski", {"p": 1.5})):
                tag = "{}_{}_{}{}".format(algorithm, weights, metric, str(more.get("p", "")).replace(".", ""))
                p = dict(algorithm=algorithm, weights=weights, metric=metric, n_neighbors=4, leaf_size=10, **more)
                add("knn_clf_" + tag, lambda s, p=p: s.KNeighborsClassifier(**p), lambda rng: classes(rng, 3, 3, "string", n=60, large=50.0), ambiguous=_ties)
                add("knn_reg_" + tag, lambda s, p=p: s.KNeighborsRegressor(**p), lambda rng: regression(rng, 3, n=60, large=50.0), ambiguous=_ties)
    for style in ("negative", "unicode", "bool", "float", "gaps"):
        add("knn_clf_" + style, lambda s: s.KNeighborsClassifier(), lambda rng, st=style: classes(rng, 2, 4, st), ambiguous=_ties)
    for k in (1, 2, 10, 60):
        for weights in ("uniform", "distance"):
            add("knn_clf_k{}_{}".format(k, weights), lambda s, k=k, w=weights: s.KNeighborsClassifier(n_neighbors=k, weights=w), lambda rng: classes(rng, 3, 2, n=60), ambiguous=_ties)
            add("knn_reg_k{}_{}".format(k, weights), lambda s, k=k, w=weights: s.KNeighborsRegressor(n_neighbors=k, weights=w), lambda rng: regression(rng, 2, n=60), ambiguous=_ties)
    for metric in ("cosine", "braycurtis", "canberra", "hamming", "l1", "l2", "cityblock", "sqeuclidean", "nan_euclidean", "correlation"):
        add("knn_clf_metric_" + metric, lambda s, m=metric: s.KNeighborsClassifier(metric=m, algorithm="brute", n_neighbors=3), lambda rng: classes(rng, 3, 4, n=60, large=50.0), ambiguous=_ties)
    add("knn_clf_seuclidean", lambda s: s.KNeighborsClassifier(metric="seuclidean", metric_params={"V": np.array([0.5, 1.0, 2.0])}), lambda rng: classes(rng, 3, 3, n=60), ambiguous=_ties)
    add("knn_clf_mahalanobis", lambda s: s.KNeighborsClassifier(metric="mahalanobis", metric_params={"VI": np.diag([0.5, 1.0, 2.0])}, algorithm="brute"), lambda rng: classes(rng, 3, 3, n=60), ambiguous=_ties)
    add("knn_clf_frame", lambda s: s.KNeighborsClassifier(3), lambda rng: named(classes(rng, 2, 4, "string")), ambiguous=_ties)
    add("knn_clf_one_feature", lambda s: s.KNeighborsClassifier(3), lambda rng: classes(rng, 2, 1), ambiguous=_ties)
    add("knn_clf_wide", lambda s: s.KNeighborsClassifier(3), lambda rng: classes(rng, 2, 20), ambiguous=_ties)
    add("knn_clf_multioutput", lambda s: s.KNeighborsClassifier(3), lambda rng: multioutput_classes(rng), ambiguous=_ties)
    add("knn_clf_multilabel", lambda s: s.KNeighborsClassifier(3, weights="distance"), lambda rng: multilabel(rng), ambiguous=_ties)
    add("knn_reg_targets", lambda s: s.KNeighborsRegressor(3, weights="distance"), lambda rng: regression(rng, 3, 2), ambiguous=_ties)
    add("knn_clf_float32", lambda s: s.KNeighborsClassifier(3), lambda rng: classes(rng, 3, 3, dtype=np.float32, large=50.0), ambiguous=_ties)
    for algorithm in ("brute", "kd_tree", "ball_tree"):
        add("knn_clf_grid_" + algorithm, lambda s, a=algorithm: s.KNeighborsClassifier(5, algorithm=a), lambda rng: grid(rng), ambiguous=_ties)
        add("knn_clf_grid_distance_" + algorithm, lambda s, a=algorithm: s.KNeighborsClassifier(4, algorithm=a, weights="distance"), lambda rng: grid(rng), ambiguous=_ties)
    near = lambda rng: _near(classes(rng, 3, 3, "string", n=60))
    each(add, "radius_clf", "RadiusNeighborsClassifier", near, plain={"radius": 3.0}, distance={"radius": 3.0, "weights": "distance"}, outlier={"radius": 1.0, "outlier_label": "ham"}, frequent={"radius": 0.7, "outlier_label": "most_frequent"})
    each(add, "radius_reg", "RadiusNeighborsRegressor", lambda rng: _near(regression(rng, 3, n=60)), plain={"radius": 4.0}, distance={"radius": 4.0, "weights": "distance"})
    for metric in ("euclidean", "manhattan"):
        add("nearest_centroid_" + metric, lambda s, m=metric: s.NearestCentroid(metric=m), lambda rng: classes(rng, 3, 4, "string"))
    add("nearest_centroid_shrunk", lambda s: s.NearestCentroid(shrink_threshold=0.5), lambda rng: classes(rng, 3, 4, "negative"))
    add("nearest_centroid_priors", lambda s: s.NearestCentroid(priors="empirical"), lambda rng: classes(rng, 3, 4, "negative"))


def _near(data):
    data.probe = data.X[::4] + 0.05
    return data


def _unlabelled(rng, **more):
    data = classes(rng, 3, **more)
    data.y = None
    return data


def _clusters(add):
    data = lambda rng: _unlabelled(rng)
    each(
        add, "kmeans", "KMeans", data,
        plain={"n_clusters": 3, "random_state": 0, "n_init": 2}, elkan={"n_clusters": 5, "random_state": 0, "n_init": 1, "algorithm": "elkan"},
        random={"n_clusters": 4, "init": "random", "random_state": 1, "n_init": 1}, one={"n_clusters": 1, "n_init": 1}, full={"n_clusters": 3, "algorithm": "full", "n_init": 1, "random_state": 0},
        auto={"n_clusters": 3, "n_init": "auto", "random_state": 0}, lloyd={"n_clusters": 3, "algorithm": "lloyd", "n_init": 1, "random_state": 0},
    )
    add("kmeans_float32", lambda s: s.KMeans(3, random_state=0, n_init=1), lambda rng: _unlabelled(rng, dtype=np.float32), tolerance={"abs": 1e-4, "rel": 1e-4})
    each(add, "minibatch_kmeans", "MiniBatchKMeans", data, plain={"n_clusters": 3, "random_state": 0, "n_init": 2}, small={"n_clusters": 4, "batch_size": 20, "random_state": 0, "n_init": 1})
    add("bisecting_kmeans", lambda s: s.BisectingKMeans(4, random_state=0), data)
    add("birch", lambda s: s.Birch(n_clusters=3, threshold=0.8), data, methods=["predict", "transform"])
    add("birch_none", lambda s: s.Birch(n_clusters=None, threshold=0.9), data, methods=["predict", "transform"])
    add("mean_shift", lambda s: s.MeanShift(bandwidth=2.0), data)
    add("affinity_propagation", lambda s: s.AffinityPropagation(damping=0.8), data)
    for covariance in ("full", "tied", "diag", "spherical"):
        for name, stem in (("GaussianMixture", "gmm"), ("BayesianGaussianMixture", "bgmm")):
            add(stem + "_" + covariance, lambda s, c=covariance, n=name: getattr(s, n)(n_components=3, covariance_type=c, random_state=0, max_iter=50), data)
    add("bgmm_distribution", lambda s: s.BayesianGaussianMixture(n_components=3, weight_concentration_prior_type="dirichlet_distribution", random_state=0), data)
    add("gmm_one", lambda s: s.GaussianMixture(n_components=1), data)
    add("gmm_one_feature", lambda s: s.GaussianMixture(n_components=2, random_state=0), lambda rng: _unlabelled(rng, features=1))
    for kernel in ("gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"):
        add("kde_" + kernel, lambda s, k=kernel: s.KernelDensity(kernel=k, bandwidth=1.3), lambda rng: _near(_unlabelled(rng)))


def _outliers(add):
    data = lambda rng: _unlabelled(rng)
    each(
        add, "isolation_forest", "IsolationForest", data,
        plain={"n_estimators": 10, "random_state": 0}, contamination={"n_estimators": 8, "contamination": 0.2, "random_state": 0},
        samples={"n_estimators": 8, "max_samples": 30, "max_features": 2, "random_state": 0}, bootstrap={"n_estimators": 8, "bootstrap": True, "max_features": 0.5, "random_state": 0},
        auto={"n_estimators": 8, "contamination": "auto", "random_state": 0}, new={"n_estimators": 8, "behaviour": "new", "contamination": "auto", "random_state": 0}, old={"n_estimators": 8, "behaviour": "old", "random_state": 0},
    )
    add("isolation_forest_frame", lambda s: s.IsolationForest(n_estimators=5, random_state=0), lambda rng: named(_unlabelled(rng)))
    each(add, "lof", "LocalOutlierFactor", data, plain={"novelty": True, "n_neighbors": 5}, contamination={"novelty": True, "n_neighbors": 8, "contamination": 0.2}, manhattan={"novelty": True, "metric": "manhattan", "n_neighbors": 6})
    each(add, "elliptic", "EllipticEnvelope", data, plain={"random_state": 0}, contamination={"random_state": 0, "contamination": 0.25}, centred={"random_state": 0, "assume_centered": True})
