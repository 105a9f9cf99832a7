"""Rows whose answer depends on which of several equally near neighbours comes first."""
import numpy as np


def neighbour_ties(estimator, data):
    """Rows whose k-th and next neighbour are equally far; of a pipeline, seen behind its other steps."""
    X = data.probe
    for _, step in getattr(estimator, "steps", [])[:-1]:
        X = step.transform(X) if hasattr(step, "transform") else X
    neighbours = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    k = getattr(neighbours, "n_neighbors", None)
    if k is None or not hasattr(neighbours, "kneighbors") or k >= len(data.X):
        return []
    distance, _ = neighbours.kneighbors(X, n_neighbors=k + 1)
    return [int(row) for row in np.where(np.abs(distance[:, k] - distance[:, k - 1]) <= 1e-9 * (1 + distance[:, k]))[0]]
