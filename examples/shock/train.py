"""Trains the model of the shock app on a synthetic ward, with real Keras and scikit-learn.

    node --import tsx examples/shock/ward.ts --patients 5000 --seed 7 --labelled > ward.ndjson
    python -m pip install -r examples/shock/requirements.txt
    python examples/shock/train.py ward.ndjson examples/models/shock

Writes `1/LSTM.h5` (Keras 2, HDF5), `1/scaler.joblib` (the StandardScaler of the training rows), `1/golden.json` (a few
windows with the answers of Keras, which the server replays before it serves the model) and `model.yaml`.
"""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.preprocessing import StandardScaler

STATES = ["Arresto_Cardiaco", "Bajo_Gasto_Cardiaco", "Sano", "Shock_Cardiogenico"]
SIGNALS = [
    "MDC_BLD_PERF_INDEX", "MDC_ECG_HEART_RATE", "MDC_ECG_V_P_C_RATE", "MDC_LEN_BODY_ACTUAL", "MDC_MASS_BODY_ACTUAL",
    "MDC_PULS_OXIM_PULS_RATE", "MDC_PULS_OXIM_SAT_02", "MDC_TEMP", "MDC_TTHOR_RESP_RATE",
]
ROWS = 20


def read_ward(path):
    """(patients, 20, 9) and labels: the way of the records is the app's own."""
    frames, labels = [], []
    with open(path) as lines:
        for line in lines:
            patient = json.loads(line)
            labels.append(STATES.index(patient["state"]))
            body = patient["body"]
            frames.append(pd.DataFrame({
                "patient": body["idAtencion"], "time": body["fecRegistro"], "signal": body["nomSigno"], "value": body["valor"],
            }))
    frame = pd.concat(frames)
    frame["time"] = pd.to_datetime(frame["time"])
    wide = frame.pivot_table(index=["patient", "time"], columns="signal", values="value")[SIGNALS]
    groups = wide.groupby("patient", sort=False)
    wide = groups.tail(ROWS)
    wide = wide.groupby("patient", sort=False).ffill().groupby("patient", sort=False).bfill()
    windows = wide.to_numpy().reshape(-1, ROWS, len(SIGNALS))
    assert len(windows) == len(labels) and not np.isnan(windows).any()
    return windows, np.array(labels)


def main(source, target):
    tf.keras.utils.set_random_seed(1)
    windows, labels = read_ward(source)
    held_out = len(windows) // 5
    scaler = StandardScaler().fit(windows[held_out:].reshape(-1, len(SIGNALS)))
    x = scaler.transform(windows.reshape(-1, len(SIGNALS))).reshape(windows.shape).astype("float32")

    model = tf.keras.Sequential([
        tf.keras.layers.Input((ROWS, len(SIGNALS)), name="window"),
        tf.keras.layers.LSTM(64, name="lstm"),
        tf.keras.layers.Dropout(0.2, name="dropout"),
        tf.keras.layers.Dense(32, activation="relu", name="dense"),
        tf.keras.layers.Dense(len(STATES), activation="softmax", name="states"),
    ], name="shock")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[held_out:], labels[held_out:], epochs=15, batch_size=64, verbose=2)

    answers = model.predict(x[:held_out], verbose=0)
    print("held-out accuracy:", float((answers.argmax(1) == labels[:held_out]).mean()), "of", held_out, "patients")
    for index, state in enumerate(STATES):
        mine = answers[labels[:held_out] == index]
        print(f"  {state}: recall {float((mine.argmax(1) == index).mean()):.3f}, mean probability {float(mine[:, index].mean()):.3f}")

    version = os.path.join(target, "1")
    os.makedirs(version, exist_ok=True)
    model.save(os.path.join(version, "LSTM.h5"), include_optimizer=False, save_format="h5")
    joblib.dump(scaler, os.path.join(version, "scaler.joblib"))

    # A patient of each state, computed by the file that was saved and not by the model in memory.
    chosen = [int(i) for index in range(len(STATES)) for i in np.flatnonzero(labels[:held_out] == index)[:1]]
    saved = tf.keras.models.load_model(os.path.join(version, "LSTM.h5"), compile=False)
    golden = {
        "inputs": {"window": x[chosen].astype(float).tolist()},
        "expected": {"states": saved.predict(x[chosen], verbose=0).astype(float).tolist()},
        "tolerance": 1e-5,
    }
    with open(os.path.join(version, "golden.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")
    with open(os.path.join(target, "model.yaml"), "w") as file:
        file.write("name: shock\n")
        file.write("description: Haemodynamic state of an intensive care patient, from the last 20 records of nine signals (synthetic)\n")
        file.write("labels: [" + ", ".join(STATES) + "]\n")
        file.write("golden: golden.json\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
