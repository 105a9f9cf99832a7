"""Decomposition, projections, kernel approximations."""
import numpy as np

from data import classes, counts, named, regression

from .variants import each

ITERATIVE = {"abs": 1e-3, "rel": 1e-3}


def _plain(rng):
    data = regression(rng, 6)
    data.y = None
    return data


def _counts(rng):
    data = counts(rng, 2, 6)
    data.y = None
    return data


def cases(add):
    each(
        add, "pca", "PCA", _plain,
        plain={"n_components": 3}, whiten={"n_components": 3, "whiten": True}, share={"n_components": 0.8}, all={}, mle={"n_components": "mle"}, random={"n_components": 2, "svd_solver": "randomized", "random_state": 0}, arpack={"n_components": 2, "svd_solver": "arpack", "random_state": 0},
        full_whiten={"whiten": True}, eigen={"n_components": 3, "svd_solver": "covariance_eigh"}, one={"n_components": 1},
    )
    add("pca_frame", lambda s: s.PCA(2), lambda rng: named(_plain(rng)))
    add("pca_float32", lambda s: s.PCA(2), lambda rng: _single(_plain(rng)), tolerance={"abs": 1e-3, "rel": 1e-3})
    each(add, "truncated_svd", "TruncatedSVD", _plain, plain={"n_components": 3, "random_state": 0}, arpack={"n_components": 2, "algorithm": "arpack", "random_state": 0})
    each(add, "incremental_pca", "IncrementalPCA", _plain, plain={"n_components": 3, "batch_size": 20}, whiten={"n_components": 2, "whiten": True, "batch_size": 20})
    each(
        add, "fast_ica", "FastICA", _plain,
        plain={"n_components": 3, "random_state": 0}, unit={"n_components": 3, "random_state": 0, "whiten": "unit-variance"}, arbitrary={"n_components": 3, "random_state": 0, "whiten": "arbitrary-variance"}, deflation={"n_components": 2, "algorithm": "deflation", "fun": "exp", "random_state": 0},
        raw={"whiten": False, "random_state": 0}, true={"whiten": True, "random_state": 0, "n_components": 2},
    )
    for kernel in ("linear", "rbf", "poly", "sigmoid", "cosine"):
        add("kernel_pca_" + kernel, lambda s, k=kernel: s.KernelPCA(3, kernel=k, gamma=0.1), lambda rng: _near(_plain(rng)))
    for tag, p in (("cd", {}), ("mu", {"solver": "mu"}), ("kl", {"solver": "mu", "beta_loss": "kullback-leibler"}), ("regular", {"alpha_W": 0.1, "l1_ratio": 0.5}), ("nndsvd", {"init": "nndsvd"})):
        add("nmf_" + tag, lambda s, p=p: s.NMF(n_components=3, random_state=0, max_iter=400, **p), _counts, tolerance=ITERATIVE)
    add("minibatch_nmf", lambda s: s.MiniBatchNMF(n_components=3, random_state=0), _counts, tolerance=ITERATIVE)
    each(add, "latent_dirichlet", "LatentDirichletAllocation", _counts, batch={"n_components": 3, "random_state": 0, "learning_method": "batch"}, online={"n_components": 4, "random_state": 0, "learning_method": "online", "doc_topic_prior": 0.3})
    add("factor_analysis", lambda s: s.FactorAnalysis(2, random_state=0), _plain)
    add("factor_analysis_varimax", lambda s: s.FactorAnalysis(2, rotation="varimax", random_state=0), _plain)
    add("dictionary_learning", lambda s: s.MiniBatchDictionaryLearning(3, random_state=0, transform_algorithm="threshold", transform_alpha=0.1), _plain)
    add("sparse_pca", lambda s: s.SparsePCA(2, random_state=0, max_iter=20), _plain, tolerance=ITERATIVE)
    add("minibatch_sparse_pca", lambda s: s.MiniBatchSparsePCA(2, random_state=0), _plain, tolerance=ITERATIVE)
    each(add, "gaussian_projection", "GaussianRandomProjection", _plain, plain={"n_components": 3, "random_state": 0})
    each(add, "sparse_projection", "SparseRandomProjection", _plain, plain={"n_components": 3, "random_state": 0}, dense={"n_components": 3, "random_state": 0, "dense_output": True})
    add("nystroem_rbf", lambda s: s.Nystroem(gamma=0.2, n_components=8, random_state=0), lambda rng: _near(_plain(rng)))
    add("nystroem_poly", lambda s: s.Nystroem(kernel="poly", degree=2, gamma=0.2, coef0=1, n_components=8, random_state=0), lambda rng: _near(_plain(rng)))
    add("rbf_sampler", lambda s: s.RBFSampler(gamma=0.5, n_components=8, random_state=0), _plain)
    add("additive_chi2", lambda s: s.AdditiveChi2Sampler(), _counts)
    add("nca", lambda s: s.NeighborhoodComponentsAnalysis(2, random_state=0, max_iter=10), lambda rng: classes(rng, 3, 4, n=40))


def _single(data):
    data.X, data.probe = data.X.astype(np.float32), data.probe.astype(np.float32)
    return data


def _near(data):
    data.probe = np.clip(data.probe, -10, 10)
    return data
