"""Trains the demo's churn model: a scikit-learn pipeline on a data frame of texts and numbers with gaps.

    pip install scikit-learn pandas && python train.py ../models/churn/1

Writes churn.pkl and golden.json, which the server replays before it serves the model.
"""

import json
import pathlib
import pickle
import sys

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.default_rng(2026)
rows = 600
frame = pd.DataFrame(
    {
        "plan": rng.choice(["basic", "family", "business"], rows, p=[0.5, 0.3, 0.2]),
        "months": rng.integers(1, 60, rows).astype(float),
        "calls": rng.poisson(2, rows).astype(float),
        "bill": rng.gamma(4, 12, rows).round(2),
    }
)
risk = 0.08 * frame.calls**2 + 0.01 * frame.bill - 0.06 * frame.months + 0.8 * (frame.plan == "basic")
target = np.where(risk + rng.logistic(size=rows) > 0, "leaves", "stays")
frame.loc[rng.random(rows) < 0.1, "bill"] = np.nan

columns = ColumnTransformer(
    [
        ("plan", OneHotEncoder(handle_unknown="ignore"), ["plan"]),
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["months", "calls", "bill"]),
    ]
)
model = make_pipeline(columns, RandomForestClassifier(40, max_depth=5, random_state=0)).fit(frame, target)

folder = pathlib.Path(sys.argv[1])
(folder / "churn.pkl").write_bytes(pickle.dumps(model))
sample = frame.iloc[[1, 0, 2, 3, 4, 5]]
golden = {
    "inputs": {name: [None if pd.isna(x) else x for x in sample[name]] for name in sample},
    "expected": {"predict": model.predict(sample).tolist(), "predict_proba": model.predict_proba(sample).tolist()},
    "tolerance": 1e-9,
}
(folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
