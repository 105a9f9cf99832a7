"""Trains the small models of the demo, with real Keras 3.

    python -m pip install -r examples/demo-models/requirements.txt
    python examples/demo-models/train.py examples/models

- `iris/`: Fisher's iris (1936), four measurements to one of three species; dense layers, `.keras`, labels, golden file.
- `digits/`: handwritten digits of 8 x 8 pixels (UCI, as scikit-learn ships them); convolutions, Keras 3 `.h5`.
- `wave.keras`: the next value of a noisy oscillation from the last twelve; a GRU, as a bare file without anything beside it.

A golden file holds inputs and the answers of Keras; the server replays it before it serves the model.
"""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits, load_iris


def fit(model, x, y, loss, epochs):
    """Trains on four fifths and prints how it does on the rest."""
    order = np.random.default_rng(1).permutation(len(x))
    held_out, rest = order[: len(x) // 5], order[len(x) // 5 :]
    model.compile("adam", loss, metrics=["accuracy"] if "entropy" in loss else ["mae"])
    model.fit(x[rest], y[rest], epochs=epochs, batch_size=16, verbose=0)
    print(model.name, dict(zip(model.metrics_names, model.evaluate(x[held_out], y[held_out], verbose=0))))
    return held_out


def write_golden(folder, model, x, name, output):
    golden = {
        "inputs": {name: x.astype(float).tolist()},
        "expected": {output: model.predict(x, verbose=0).astype(float).tolist()},
        "tolerance": 1e-5,
    }
    with open(os.path.join(folder, "golden.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")


def write_yaml(folder, lines):
    with open(os.path.join(folder, "model.yaml"), "w") as file:
        file.write("\n".join(lines) + "\n")


def iris(target):
    data = load_iris()
    x, y = data.data.astype("float32"), data.target
    scaling = layers.Normalization(name="scaling")
    scaling.adapt(x)
    model = keras.Sequential([
        layers.Input((4,), name="measurements"),
        scaling,
        layers.Dense(16, activation="relu", name="hidden"),
        layers.Dense(3, activation="softmax", name="species"),
    ], name="iris")
    held_out = fit(model, x, y, "sparse_categorical_crossentropy", 80)
    version = os.path.join(target, "iris", "1")
    os.makedirs(version, exist_ok=True)
    path = os.path.join(version, "iris.keras")
    model.save(path)
    write_golden(version, keras.models.load_model(path), x[held_out[:4]], "measurements", "species")
    write_yaml(os.path.join(target, "iris"), [
        "name: iris",
        "description: Species of an iris from the length and width of its sepals and petals, in cm",
        "labels: [setosa, versicolor, virginica]",
        "golden: golden.json",
    ])


def digits(target):
    data = load_digits()
    x, y = (data.images[..., None] / 16).astype("float32"), data.target
    model = keras.Sequential([
        layers.Input((8, 8, 1), name="pixels"),
        layers.Conv2D(8, 3, activation="relu", name="strokes"),
        layers.MaxPooling2D(2, name="pool"),
        layers.BatchNormalization(name="norm"),
        layers.Flatten(name="flat"),
        layers.Dense(32, activation="relu", name="hidden"),
        layers.Dense(10, activation="softmax", name="digit"),
    ], name="digits")
    held_out = fit(model, x, y, "sparse_categorical_crossentropy", 30)
    version = os.path.join(target, "digits", "1")
    os.makedirs(version, exist_ok=True)
    path = os.path.join(version, "digits.h5")
    model.save(path, include_optimizer=False)
    write_golden(version, keras.models.load_model(path), x[held_out[:3]], "pixels", "digit")
    write_yaml(os.path.join(target, "digits"), [
        "name: digits",
        "description: A handwritten digit from 8 x 8 pixels between 0 (paper) and 1 (ink)",
        'labels: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]',
        "golden: golden.json",
    ])


def wave(target):
    random = np.random.default_rng(1)
    time = np.arange(13) * 0.5
    phase, pitch = random.uniform(0, 2 * np.pi, (3000, 1)), random.uniform(0.5, 1.5, (3000, 1))
    waves = (np.sin(pitch * time + phase) + 0.02 * random.standard_normal((3000, 13))).astype("float32")
    model = keras.Sequential([
        layers.Input((12, 1), name="past"),
        layers.GRU(16, name="memory"),
        layers.Dense(1, name="next"),
    ], name="wave")
    fit(model, waves[:, :12, None], waves[:, 12:], "mse", 20)
    model.save(os.path.join(target, "wave.keras"))


if __name__ == "__main__":
    for make in (iris, digits, wave):
        keras.utils.set_random_seed(1)
        make(sys.argv[1])
