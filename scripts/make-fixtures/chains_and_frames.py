"""Writes test/fixtures/chains (artefacts that are one model together) and test/fixtures/frames (a pipeline on a table
with texts, booleans and gaps), with what scikit-learn answers.

    python scripts/make-fixtures/chains_and_frames.py test/fixtures      # scikit-learn 1.6.1, pandas 2.2
"""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

root = Path(sys.argv[1])
random = np.random.RandomState(7)


def save(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value, protocol=4))


def chains(folder):
    X = pd.DataFrame(random.normal(size=(60, 3)) * [1, 10, 100] + [0, 5, -50], columns=["a", "b", "c"])
    y = (X.a + X.b / 10 + random.normal(size=60) / 3 > 0.5).map({True: "high", False: "low"})
    scaler = StandardScaler().fit(X)
    scaled = scaler.transform(X)
    model = LogisticRegression().fit(scaled, y)
    other = MinMaxScaler().fit(scaled)
    foreign = StandardScaler().fit(X.rename(columns={"a": "x", "b": "y", "c": "z"}))
    named = LogisticRegression().fit(pd.DataFrame(scaled, columns=X.columns), y)
    save(folder / "scaler.pkl", scaler)
    save(folder / "model.pkl", model)
    save(folder / "minmax.pkl", other)
    save(folder / "foreign.pkl", foreign)
    save(folder / "named.pkl", named)
    save(folder / "bundle.pkl", {"scaler": scaler, "model": model})
    texts = ["win a prize now", "meeting at noon", "prize prize prize", "lunch at noon?", "win now", "the meeting notes"]
    labels = ["spam", "ham", "spam", "ham", "spam", "ham"]
    vectorizer = CountVectorizer().fit(texts)
    spam = MultinomialNB().fit(vectorizer.transform(texts), labels)
    save(folder / "vectorizer.pkl", vectorizer)
    save(folder / "spam.pkl", spam)
    asked = X.iloc[:5]
    expected = {
        "rows": asked.to_dict("records"),
        "scaled": scaler.transform(asked).tolist(),
        "predict": model.predict(scaler.transform(asked)).tolist(),
        "predict_proba": model.predict_proba(scaler.transform(asked)).tolist(),
        "texts": ["win the prize", "notes of the meeting", ""],
        "spam": spam.predict_proba(vectorizer.transform(["win the prize", "notes of the meeting", ""])).tolist(),
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def frames(folder):
    n = 80
    X = pd.DataFrame(
        {
            "id": [f"P{i}" for i in range(n)],
            "age": np.where(random.rand(n) < 0.2, np.nan, random.randint(1, 90, n)),
            "fare": random.gamma(2, 20, n).round(2),
            "city": random.choice(["São Paulo", "Belém", ""], n),
            "member": random.rand(n) < 0.5,
        }
    )
    X.loc[random.rand(n) < 0.2, "city"] = np.nan
    y = (X.fare.values + X.age.fillna(30).values / 2 + 20 * X.member.values > 60).astype(int)
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    table = ColumnTransformer(
        [("numbers", numbers, ["age", "fare"]), ("texts", texts, ["city"]), ("flags", OneHotEncoder(drop="if_binary"), ["member"])]
    )
    model = make_pipeline(table, LogisticRegression(max_iter=500)).fit(X, y)
    save(folder / "table.pkl", model)
    asked = pd.DataFrame(
        {
            "id": ["Q1", "Q2", "Q3", "Q4"],
            "age": [33, np.nan, 0.5, 81],
            "fare": [12.5, 80, 0, 33.3],
            "city": ["Belém", np.nan, "Manaus", ""],
            "member": [True, False, True, False],
        }
    )
    rows = json.loads(asked.to_json(orient="records"))
    expected = {"rows": rows, "predict": model.predict(asked).tolist(), "predict_proba": model.predict_proba(asked).tolist()}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
    # One column that is counted word by word and encoded as a whole.
    words = pd.DataFrame({"note": ["red car", "blue car", "red bike", "bus"] * 5, "size": np.arange(20.0)})
    both = ColumnTransformer([("words", CountVectorizer(), "note"), ("whole", OneHotEncoder(), ["note"])], sparse_threshold=0)
    save(folder / "both.pkl", both.fit(words))
    (folder / "both.json").write_text(json.dumps(both.transform(words.iloc[:4]).tolist()) + "\n")
    # Categories are errors here when they are new, and None among them when it was in the training data.
    strict = OneHotEncoder().fit(pd.DataFrame({"size": ["S", "M", None, "S"], "rank": [1, 2, 3, 1]}))
    save(folder / "strict.pkl", strict)


chains(root / "chains")
frames(root / "frames")
