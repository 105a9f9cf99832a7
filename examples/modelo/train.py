"""Trains the model of the modelo app's demo, with real scikit-learn, and pickles it as its documentation shows.

    python -m pip install -r examples/modelo/requirements.txt
    python examples/modelo/train.py examples/models/modelo examples/modelo

Diabetes (Efron, Hastie, Johnstone and Tibshirani, 2004, as scikit-learn ships it): ten measurements of a patient, and
how far the disease has progressed a year later. `diabetes.csv` is the training data, `rows.csv` the first rows without
the target; a golden file holds what scikit-learn predicts for them, and the server replays it before it serves.
"""
import json
import os
import pickle
import sys

from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

target, examples = sys.argv[1:]
version = os.path.join(target, "1")
os.makedirs(version, exist_ok=True)

data = load_diabetes(scaled=False, as_frame=True)
x, y = data.data, data.target.rename("progression")
model = LinearRegression().fit(x, y)
rows = x.head(8)

with open(os.path.join(version, "modelo.pkl"), "wb") as file:
    pickle.dump(model, file)
with open(os.path.join(target, "model.yaml"), "w") as file:
    file.write("description: Progression of diabetes after a year, from ten measurements of a patient\ngolden: golden.json\n")
with open(os.path.join(version, "golden.json"), "w") as file:
    golden = {
        "inputs": {"X": rows.to_numpy().tolist()},
        "expected": {"predict": model.predict(rows).tolist()},
        "tolerance": 1e-9,
    }
    json.dump(golden, file)
    file.write("\n")

x.assign(progression=y).to_csv(os.path.join(examples, "diabetes.csv"), index=False)
rows.to_csv(os.path.join(examples, "rows.csv"), index=False)
