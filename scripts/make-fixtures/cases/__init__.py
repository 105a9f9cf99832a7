"""The cases, family by family: each module has `cases(add)`."""
from . import bayes, compose, decompose, encode, ensemble, linear, meta, neighbours, scale, select, svm, text, tree, unlabelled

ALL = [module.cases for module in (linear, svm, bayes, neighbours, tree, ensemble, meta, scale, encode, select, decompose, compose, text, unlabelled)]
