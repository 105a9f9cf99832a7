"""Vectorizers of text, and pipelines that begin with one."""
from data import DOCUMENTS, Data, ODD_DOCUMENTS, counts, text

from ties import neighbour_ties


def _documents(rng):
    data = text(rng)
    data.y = None
    return data


def cases(add):
    vectorizers = {
        "plain": {}, "binary": {"binary": True}, "cased": {"lowercase": False}, "ascii": {"strip_accents": "ascii"}, "unicode": {"strip_accents": "unicode"}, "bigrams": {"ngram_range": (1, 2)}, "only_trigrams": {"ngram_range": (3, 3)},
        "char": {"analyzer": "char", "ngram_range": (1, 3)}, "char_wb": {"analyzer": "char_wb", "ngram_range": (2, 4)}, "char_cased_accents": {"analyzer": "char", "lowercase": False, "strip_accents": "unicode", "ngram_range": (2, 2)}, "char_wb_ascii": {"analyzer": "char_wb", "strip_accents": "ascii", "ngram_range": (3, 3)},
        "english": {"stop_words": "english"}, "stops": {"stop_words": ["the", "to", u"caf\u00e9", "a"]}, "stops_bigrams": {"stop_words": "english", "ngram_range": (1, 2)}, "max_df": {"max_df": 0.2}, "min_df": {"min_df": 2}, "min_share": {"min_df": 0.1, "max_df": 10}, "features": {"max_features": 12},
        "single_letters": {"token_pattern": r"(?u)\b\w+\b"}, "digits": {"token_pattern": r"\d+"}, "words": {"token_pattern": r"(?u)[a-zA-Z]+"}, "groups": {"token_pattern": r"(?u)#?(\w{3,})"}, "spaces": {"token_pattern": r"\S+"}, "ascii_words": {"token_pattern": r"(?a)\b\w\w+\b"}, "apostrophe": {"token_pattern": r"[\w']+"},
        "long_words": {"token_pattern": r"\b[^\d\W]{3,}\b"}, "upper": {"token_pattern": r"[A-Z]{2,}", "lowercase": False}, "hyphens": {"token_pattern": r"(?u)\b\w[\w-]*\w\b"}, "ignore_case": {"token_pattern": r"(?i)[a-z]+", "lowercase": False}, "not_space": {"token_pattern": r"[^\s]+"},
        "vocabulary": {"vocabulary": ["free", "win", u"caf\u00e9", "home", "prize"]}, "vocabulary_map": {"vocabulary": {"free": 2, "win": 0, "home": 1}}, "vocabulary_bigrams": {"vocabulary": ["the office", "win", "call me"], "ngram_range": (1, 2)},
    }
    for tag in sorted(vectorizers):
        p = vectorizers[tag]
        add("countvec_" + tag, lambda s, p=p: s.CountVectorizer(**p), _documents)
        add("tfidf_" + tag, lambda s, p=p: s.TfidfVectorizer(**p), _documents)
        if not {"vocabulary", "max_df", "min_df", "max_features"} & set(p):
            add("hashing_" + tag, lambda s, p=p: s.HashingVectorizer(n_features=64, **p), _documents)
    import numpy as np

    weights = {
        "sublinear": {"sublinear_tf": True}, "no_idf": {"use_idf": False}, "l1": {"norm": "l1"}, "no_norm": {"norm": None}, "unsmooth": {"smooth_idf": False}, "all": {"sublinear_tf": True, "norm": "l1", "smooth_idf": False},
    }
    for tag in sorted(weights):
        p = weights[tag]
        add("tfidf_weight_" + tag, lambda s, p=p: s.TfidfVectorizer(**p), _documents)
        add("tfidf_transformer_" + tag, lambda s, p=p: s.TfidfTransformer(**p), lambda rng: _no_labels(counts(rng)))
        add("count_tfidf_" + tag, lambda s, p=p: s.make_pipeline(s.CountVectorizer(), s.TfidfTransformer(**p), s.MultinomialNB()), text)
    add("tfidf_float32", lambda s: s.TfidfVectorizer(dtype=np.float32), _documents, tolerance={"abs": 1e-5, "rel": 1e-4})
    add("countvec_float64", lambda s: s.CountVectorizer(dtype=np.float64), _documents)
    add("tfidf_binary_sublinear", lambda s: s.TfidfVectorizer(binary=True, sublinear_tf=True, ngram_range=(1, 2), stop_words="english"), _documents)
    for tag, p in (("signed", {"n_features": 16}), ("unsigned", {"n_features": 16, "alternate_sign": False}), ("no_norm", {"n_features": 32, "norm": None}), ("l1", {"n_features": 32, "norm": "l1"}), ("large", {"n_features": 2**12}), ("old", {"n_features": 32, "non_negative": True}), ("binary_unsigned", {"n_features": 16, "binary": True, "alternate_sign": False, "norm": None}), ("odd", {"n_features": 37}), ("float32", {"n_features": 32, "dtype": np.float32})):
        add("hashing_size_" + tag, lambda s, p=p: s.HashingVectorizer(**p), _documents)
    for style in ("string", "int", "unicode", "bool", "negative"):
        data = lambda rng, st=style: text(rng, st)
        add("spam_tfidf_nb_" + style, lambda s: s.make_pipeline(s.TfidfVectorizer(), s.MultinomialNB()), data)
        add("spam_count_nb_" + style, lambda s: s.make_pipeline(s.CountVectorizer(), s.MultinomialNB()), data)
        add("spam_tfidf_logreg_" + style, lambda s: s.make_pipeline(s.TfidfVectorizer(stop_words="english"), s.LogisticRegression(solver="lbfgs")), data)
    for tag, steps in (
        ("linear_svc", lambda s: [s.TfidfVectorizer(ngram_range=(1, 2)), s.LinearSVC(random_state=0)]),
        ("sgd", lambda s: [s.CountVectorizer(), s.TfidfTransformer(), s.SGDClassifier(random_state=0, max_iter=20)]),
        ("svc", lambda s: [s.TfidfVectorizer(), s.SVC(gamma="scale")]),
        ("svc_linear_proba", lambda s: [s.TfidfVectorizer(), s.SVC(kernel="linear", probability=True, random_state=0)]),
        ("forest", lambda s: [s.TfidfVectorizer(), s.RandomForestClassifier(n_estimators=5, random_state=0)]),
        ("knn", lambda s: [s.TfidfVectorizer(), s.KNeighborsClassifier(3)]),
        ("complement", lambda s: [s.TfidfVectorizer(), s.ComplementNB()]),
        ("bernoulli", lambda s: [s.CountVectorizer(binary=True), s.BernoulliNB()]),
        ("passive", lambda s: [s.TfidfVectorizer(stop_words="english", max_df=0.7), s.PassiveAggressiveClassifier(max_iter=50, random_state=0)]),
        ("hashing", lambda s: [s.HashingVectorizer(n_features=128), s.LogisticRegression(solver="lbfgs")]),
        ("svd", lambda s: [s.TfidfVectorizer(), s.TruncatedSVD(4, random_state=0), s.LogisticRegression(solver="lbfgs")]),
        ("chi2", lambda s: [s.CountVectorizer(), s.SelectKBest(_chi2(), k=10), s.MultinomialNB()]),
        ("tree", lambda s: [s.CountVectorizer(), s.DecisionTreeClassifier(random_state=0)]),
        ("gb", lambda s: [s.TfidfVectorizer(), s.GradientBoostingClassifier(n_estimators=4, random_state=0)]),
        ("mlp", lambda s: [s.TfidfVectorizer(), s.MLPClassifier((4,), max_iter=20, random_state=0)]),
        ("ridge", lambda s: [s.TfidfVectorizer(), s.RidgeClassifier()]),
        ("union", lambda s: [s.FeatureUnion([("w", s.TfidfVectorizer()), ("c", s.TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)))]), s.LogisticRegression(solver="lbfgs")]),
        ("calibrated", lambda s: [s.TfidfVectorizer(), s.CalibratedClassifierCV(s.LinearSVC(random_state=0), cv=3)]),
        ("topics", lambda s: [s.CountVectorizer(), s.LatentDirichletAllocation(3, random_state=0, learning_method="batch")]),
        ("kmeans", lambda s: [s.TfidfVectorizer(), s.KMeans(3, random_state=0, n_init=1)]),
        ("maxabs", lambda s: [s.CountVectorizer(), s.MaxAbsScaler(), s.LogisticRegression(solver="lbfgs")]),
        ("ovr", lambda s: [s.TfidfVectorizer(), s.OneVsRestClassifier(s.LinearSVC(random_state=0))]),
        ("voting", lambda s: [s.TfidfVectorizer(), s.VotingClassifier([("a", s.MultinomialNB()), ("b", s.LogisticRegression(solver="lbfgs"))], voting="soft")]),
        ("normalizer", lambda s: [s.CountVectorizer(), s.Normalizer(), s.LinearSVC(random_state=0)]),
        ("scaler", lambda s: [s.TfidfVectorizer(), s.StandardScaler(with_mean=False), s.LogisticRegression(solver="lbfgs")]),
        ("perceptron", lambda s: [s.TfidfVectorizer(), s.Perceptron(random_state=0, max_iter=20)]),
    ):
        add("text_" + tag, lambda s, f=steps: s.make_pipeline(*f(s)), lambda rng: text(rng, "string", 3), ambiguous=neighbour_ties)
        add("text_binary_" + tag, lambda s, f=steps: s.make_pipeline(*f(s)), lambda rng: text(rng, "int"), ambiguous=neighbour_ties)
    add("text_grid_search", lambda s: s.GridSearchCV(s.make_pipeline(s.TfidfVectorizer(), s.MultinomialNB()), {"multinomialnb__alpha": [0.1, 1.0]}, cv=2), text)
    add("text_ridge_reg", lambda s: s.make_pipeline(s.TfidfVectorizer(), s.Ridge()), lambda rng: _numbers(text(rng), rng))
    add("text_frame", lambda s: s.Pipeline([("c", s.ColumnTransformer([("t", s.TfidfVectorizer(), "text"), ("n", s.StandardScaler(), ["length"])])), ("l", s.LogisticRegression(solver="lbfgs"))]), _frame)
    add("text_frame_two", lambda s: s.Pipeline([("c", s.ColumnTransformer([("t", s.TfidfVectorizer(), "text"), ("u", s.CountVectorizer(analyzer="char"), "title")], remainder="passthrough")), ("l", s.LogisticRegression(solver="lbfgs"))]), _frame)


def _no_labels(data):
    data.y = None
    return data


def _chi2():
    from sklearn.feature_selection import chi2

    return chi2


def _numbers(data, rng):
    data.y = rng.randn(len(data.X))
    return data


def _frame(rng):
    import pandas

    data = text(rng)
    table = lambda documents: pandas.DataFrame({"text": documents, "title": [document[:6] for document in documents], "length": [float(len(document)) for document in documents]}, columns=["text", "title", "length"])
    return Data(table(data.X), data.y, table(data.probe), "dataframe", thresholds=False)
