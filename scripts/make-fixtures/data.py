"""Small seeded data sets, and the awkward rows that are asked about after fitting."""
import numpy as np


class Data(object):
    """What an estimator is fitted on (`X`, `y`) and asked about (`probe`), with the kind that `inputs.json` names."""

    def __init__(self, X, y, probe, kind="ndarray", thresholds=True, fit=None):
        self.X, self.y, self.probe, self.kind = X, y, probe, kind
        #: Whether rows exactly on the thresholds of trees are added to the probe.
        self.thresholds = thresholds
        self.fit = fit or {}


LABELS = {
    "int": [0, 1, 2, 3, 4],
    "negative": [-5, 0, 7, 8, 100],
    "sign": [-1, 1, 2, 3, 4],
    "gaps": [3, 10, 11, 500, 501],
    "string": ["ham", "other", "spam", "x", "z"],
    "unicode": [u"a\u00e7a\u00ed", u"n\u00e3o", u"\u65e5\u672c", u"\U0001f600", u"\u0130"],
    "float": [1.0, 2.0, 7.0, 8.0, 9.0],
    "bool": [False, True],
    "uint8": [0, 1, 2, 3, 4],
    "int32": [1, 2, 3, 4, 5],
}


def label(codes, style):
    """Class numbers as labels: of another type, not contiguous, not sorted by size of text."""
    dtype = {"uint8": np.uint8, "int32": np.int32}.get(style)
    return np.array([LABELS[style][code] for code in codes], dtype=dtype)


def rows(X, rng, large=1e3, tiny=1e-9):
    """Rows of the training data, and rows that are far, tiny, zero, minus zero, negative or twice the same."""
    n = X.shape[1]
    some = X[rng.permutation(len(X))[:10]]
    one = X[:3].copy()
    one[0, rng.randint(n)] = large
    one[1, rng.randint(n)] = -large
    one[2, rng.randint(n)] *= -1
    return np.vstack([some, np.zeros((1, n)), -np.zeros((1, n)), np.full((1, n), 100.0), np.full((1, n), tiny), X.mean(axis=0)[None], one, some[:2]])


def regression(rng, features=4, targets=1, n=60, dtype=np.float64, positive=False, large=1e3):
    X = rng.randn(n, features) * rng.uniform(0.3, 3, features) + rng.randn(features)
    y = X.dot(rng.randn(features, targets)) + 0.3 * rng.randn(n, targets) + np.sin(X[:, :1])
    if positive:
        y = np.exp(0.3 * y)
    return Data(X.astype(dtype), y.ravel() if targets == 1 else y, rows(X, rng, large).astype(dtype))


def classes(rng, count=2, features=4, style="int", n=90, dtype=np.float64, large=1e3, spread=1.4):
    codes = np.arange(n) % count
    centres = rng.randn(count, features) * spread
    X = centres[codes] + rng.randn(n, features)
    X *= rng.uniform(0.5, 2, features)
    return Data(X.astype(dtype), label(codes, style), rows(X, rng, large).astype(dtype))


def counts(rng, count=2, features=6, style="int", n=90, dtype=np.float64):
    """Non-negative data: numbers of words."""
    codes = np.arange(n) % count
    rates = rng.gamma(1.0, 2.0, (count, features)) + 0.05
    X = rng.poisson(rates[codes]).astype(dtype)
    return Data(X, label(codes, style), np.abs(rows(X, rng)).astype(dtype))


def binary_features(rng, count=2, features=7, style="int", n=80):
    codes = np.arange(n) % count
    chance = rng.uniform(0.05, 0.95, (count, features))
    X = (rng.uniform(size=(n, features)) < chance[codes]).astype(float)
    return Data(X, label(codes, style), rows(X, rng))


def with_gaps(data, rng, share=0.15, nan=np.nan):
    """The same with missing values, in every column."""
    def poke(X):
        X = np.array(X, dtype=float)
        X[rng.uniform(size=X.shape) < share] = nan
        return X

    X, probe = poke(data.X), poke(data.probe)
    for j in range(X.shape[1]):
        X[j % len(X), j] = nan
        probe[j % len(probe), j] = nan
    probe[-1] = nan
    return Data(X, data.y, probe, thresholds=data.thresholds)


def multilabel(rng, features=4, labels=3, n=80):
    X = rng.randn(n, features)
    Y = (X.dot(rng.randn(features, labels)) + 0.5 * rng.randn(n, labels) > 0).astype(int)
    return Data(X, Y, rows(X, rng))


def multioutput_classes(rng, features=4, n=90):
    base = classes(rng, 3, features, n=n)
    second = (base.X[:, 0] + 0.3 * rng.randn(n) > 0).astype(int) + 10
    return Data(base.X, np.column_stack([base.y, second]), base.probe)


def grid(rng, count=3, side=9):
    """Points of an integer grid, so that distances tie."""
    X = np.array([[i, j] for i in range(side) for j in range(side)], dtype=float)
    y = rng.randint(count, size=len(X))
    return Data(X, y, np.vstack([X[rng.permutation(len(X))[:8]], rng.uniform(-2, side + 2, (8, 2))]))


def categories(rng, n=60, style="int", unseen=True):
    """Two columns of strings."""
    colours, sizes = [u"red", u"green", u"blue", u"caf\u00e9"], ["S", "M", "L"]
    X = np.array([[colours[rng.randint(4)], sizes[rng.randint(3)]] for _ in range(n)], dtype=object)
    y = label((rng.uniform(size=n) < np.where(X[:, 0] == "red", 0.8, 0.3)).astype(int), style)
    probe = X[rng.permutation(n)[:9]]
    if unseen:
        probe = np.vstack([probe, np.array([["NEVER", "S"], ["red", "??"], ["", ""]], dtype=object)])
    return Data(X, y, probe, "object")


CITIES = [u"Paris", u"Lyon", u"N\u00eemes", u"S\u00e3o Paulo", u"\u6771\u4eac"]


def frame(rng, n=90, style="int", missing=True, dtype=None, unseen=True, target="class"):
    """A table of customers: floats with gaps, texts, integers, a boolean."""
    import pandas as pd

    age = np.round(rng.uniform(18, 90, n))
    income = np.round(np.exp(rng.randn(n) * 0.6 + 10), 2)
    city = np.array([CITIES[i] for i in rng.randint(5, size=n)], dtype=object)
    sex = np.array([["F", "M"][i] for i in rng.randint(2, size=n)], dtype=object)
    visits = rng.randint(0, 6, n)
    score = age / 20 + np.log(income) + (city == "Lyon") * 2 + visits + rng.randn(n)
    y = label((score > np.median(score)).astype(int), style) if target == "class" else score * 3.25
    if missing:
        age[rng.uniform(size=n) < 0.15] = np.nan
        income[rng.uniform(size=n) < 0.1] = np.nan
    X = pd.DataFrame({"age": age, "income": income, "city": city, "sex": sex, "visits": visits}, columns=["age", "income", "city", "sex", "visits"])
    probe = X.iloc[rng.permutation(n)[:12]].reset_index(drop=True)
    if unseen:
        probe.loc[3, "city"] = "Atlantis"
        probe.loc[4, "city"] = ""
    probe.loc[5, "age"] = 0.0
    probe.loc[6, "income"] = -1e7
    if dtype is not None:
        X["city"], X["sex"] = X["city"].astype(dtype), X["sex"].astype(dtype)
        probe["city"], probe["sex"] = probe["city"].astype(dtype), probe["sex"].astype(dtype)
    return Data(X, y, probe, "dataframe", thresholds=False)


NAMES = ["age", "body mass", u"temp\u00e9rature", "x.4", "5th", "a[0]", "b<c", "CamelCase"]


def named(data):
    """The same as a table whose columns have odd names."""
    import pandas as pd

    names = NAMES[: data.X.shape[1]]
    return Data(pd.DataFrame(data.X, columns=names), data.y, pd.DataFrame(data.probe, columns=names), "dataframe", data.thresholds)


DOCUMENTS = [
    u"Free entry in 2 a weekly comp to win FA Cup final tickets",
    u"URGENT! your account has been suspended, click http://example.com/a?b=1",
    u"you have been selected to receive a FREE holiday",
    u"Call me when you get home",
    u"hey are we still on for lunch today?",
    u"the meeting is moved to tuesday at 10am",
    u"na\u00efve Bayes is a simple model of a model",
    u"win win win a prize, claim your prize now",
    u"I'll bring the caf\u00e9 au lait to the office on Tuesday",
    u"Stra\u00dfe und STRASSE, \u0130stanbul ve \u0131l\u0131k s\u00fct",
    u"\u65e5\u672c\u8a9e \u306e \u30c6\u30ad\u30b9\u30c8 and some English words",
    u"cash prize 1000 pounds text WIN to 80085",
    u"see you at home for dinner, mum",
    u"\u041f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440, \u043a\u0430\u043a \u0434\u0435\u043b\u0430",
    u"the the the and and of to a in is it",
    u"claim your free tickets to the final today",
    u"emoji \U0001f600 win\U0001f44d\U0001f3fdnow prize",
    u"lunch at the office tomorrow with the team",
]

ODD_DOCUMENTS = [
    u"",
    u"   \t\n ",
    u"!!! ??? ...",
    u"a b c d",
    u"FREE free Free fReE",
    u"\u00e9 caf\u00e9 cafe\u0301 CAF\u00c9 CAFE\u0301",
    u"x\u00b2 \u00bd \u0663\u0664 foo_bar __init__ don't 3.14 1,000",
    u"\u0130STANBUL \u0131l\u0131k STRASSE Stra\u00dfe \u1e9e \u03a3\u0391\u03a3 \u03bf\u03b4\u03bf\u03c2",
    u"zero\u200bwidth nb\u00a0sp em\u2003space unit\u001fsep joi\u00adned",
    u"\U0001f600 win\U0001f44d\U0001f3fdnow \u65e5\u672c\u8a9e\u30c6\u30ad\u30b9\u30c8 \u4e2d\u6587",
    u"http://a.b/c?d=e&f=1 user@mail.com #tag",
    u"now\tnow\nnow\r\nnow  now\u2028now",
    u"\ufb01nal \u00c5ngstr\u00f6m \u212b \uff37\uff29\uff2e \u2460 \u2167 n\u0303",
    u"\u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22 \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
    u"unknown words entirely here perhaps",
]


def text(rng, style="string", count=2):
    """Short messages; asked about with documents that are empty, accented, or of other scripts."""
    codes = np.array([1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0])
    if count > 2:
        codes = np.arange(len(codes)) % count
    return Data(DOCUMENTS, label(codes, style), DOCUMENTS[:5] + ODD_DOCUMENTS, "text", thresholds=False)
