"""Writes test/fixtures/python/refused-estimators.json: fitted estimators of scikit-learn 1.6 that are refused by name."""

import base64
import json
import os
import pickle

import numpy as np
from sklearn.cluster import AffinityPropagation, BisectingKMeans
from sklearn.decomposition import NMF, KernelPCA
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer, TfidfTransformer
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, LocalOutlierFactor, RadiusNeighborsClassifier

X = np.random.RandomState(0).rand(20, 3)
y = np.arange(20) % 2 + 3
TEXTS = ["free money", "see you at home"]


def fit(estimator, *data):
    return estimator.fit(*(data or (TEXTS,)))


def changed(estimator, **attributes):
    for name, value in attributes.items():
        setattr(estimator, name, value)
    return estimator


def knotted(estimator):
    node = estimator._bisecting_tree
    node.left = node.right = node.left if node.left.left is None else node.right
    node.left.left = node.left.right = node
    node.center = node.left.center
    return estimator


CASES = [
    ("a function as analyzer", changed(fit(CountVectorizer()), analyzer=np.mean), "its analyzer is the function numpy.mean"),
    ("a function as tokenizer", changed(fit(TfidfVectorizer()), tokenizer=np.mean), "its tokenizer is the function"),
    ("a function as preprocessor", changed(fit(TfidfVectorizer()), preprocessor=np.mean), "its preprocessor is"),
    ("files", changed(fit(CountVectorizer()), input="filename"), "reads files"),
    ("no fit", CountVectorizer(), "is not fitted"),
    ("no weights", changed(fit(TfidfVectorizer()), _tfidf=TfidfTransformer()), "is not fitted"),
    ("a backreference", changed(fit(CountVectorizer()), token_pattern=r"(\w)\1"), "refers back to a group"),
    ("two groups", changed(fit(CountVectorizer()), token_pattern=r"(\w)(\w)"), "more than one group"),
    ("a pattern of nothing", changed(fit(CountVectorizer()), token_pattern=r"\w*"), "can match nothing"),
    ("long n-grams", changed(fit(CountVectorizer()), ngram_range=(1, 1000)), "ngram_range is (1, 1000)"),
    ("a narrow type", changed(fit(CountVectorizer()), dtype=np.int8), "its dtype is int8"),
    ("gaps in the vocabulary", changed(fit(CountVectorizer()), vocabulary_={"a": 0, "b": 2}), "indices of its vocabulary"),
    ("a vocabulary of numbers", changed(fit(CountVectorizer()), vocabulary_={1: 0}), "should be texts"),
    ("buckets beyond measure", HashingVectorizer(n_features=2**30), "n_features is 1073741824"),
    ("an output of a million columns", HashingVectorizer(), "rows of 1048576 numbers"),
    ("an unknown norm", HashingVectorizer(n_features=8, norm="max"), 'norm is "max"'),
    ("weights of one's own", changed(fit(KNeighborsClassifier(), X, y), weights=np.mean), "its weights are the function"),
    ("a metric that is not known", changed(fit(KNeighborsClassifier(), X, y), effective_metric_="jaccard"), 'its metric is "jaccard"'),
    ("more neighbours than samples", changed(fit(KNeighborsClassifier(), X, y), n_neighbors=21), "n_neighbors is 21"),
    ("classes out of range", changed(fit(KNeighborsClassifier(), X, y), _y=np.full(20, 2)), "indices of classes_"),
    ("a brute outlier label", fit(RadiusNeighborsClassifier(algorithm="brute", outlier_label=3), X, y), "mixes up outlier_label"),
    ("no novelty", fit(LocalOutlierFactor(), X), "novelty is False"),
    ("a tree of nothing", changed(fit(KernelDensity(), X), tree_=X), "tree_ should be"),
    ("multiplicative updates", fit(NMF(2, solver="mu"), X), 'solver is "mu"'),
    ("endless iterations", changed(fit(NMF(2), X), max_iter=10**9), "max_iter is 1000000000"),
    ("a tree that meets itself again", knotted(fit(BisectingKMeans(3, random_state=0), X)), "more nodes than its clusters need"),
    ("shuffled coordinates", fit(NMF(2, shuffle=True), X), "shuffle is True"),
    ("a kernel that is not known", changed(fit(KernelPCA(2), X), kernel="unknown"), 'kernel is "unknown"'),
    ("given affinities", fit(AffinityPropagation(affinity="precomputed", random_state=0), X @ X.T), "affinity is"),
]

path = os.path.join(os.path.dirname(__file__), "..", "..", "test", "fixtures", "python", "refused-estimators.json")
with open(path, "w", encoding="ascii") as file:
    json.dump([[name, base64.b64encode(pickle.dumps(estimator, 4)).decode(), why] for name, estimator, why in CASES], file, indent=0)
