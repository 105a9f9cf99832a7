"""Finds classes of scikit-learn by name alone, wherever the installed version keeps them."""
import importlib

MODULES = (
    "calibration cluster compose covariance cross_decomposition decomposition discriminant_analysis dummy ensemble "
    "feature_extraction feature_extraction.text feature_selection gaussian_process gaussian_process.kernels impute "
    "isotonic kernel_approximation kernel_ridge linear_model manifold mixture model_selection multiclass multioutput "
    "naive_bayes neighbors neural_network pipeline preprocessing random_projection semi_supervised svm tree"
).split()

EXPERIMENTAL = "enable_hist_gradient_boosting enable_iterative_imputer enable_halving_search_cv".split()


class Missing(Exception):
    """The installed scikit-learn has no class of this name."""


class Estimators(object):
    """`Estimators().SVC` is `sklearn.svm.SVC`; a name that this version does not have raises `Missing`."""

    def __init__(self):
        for name in EXPERIMENTAL:
            _import("sklearn.experimental." + name)
        self._modules = [module for module in (_import("sklearn." + name) for name in MODULES) if module]

    def __getattr__(self, name):  # make_pipeline, make_column_selector and KFold too: any public name
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise Missing(name)


def _import(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
