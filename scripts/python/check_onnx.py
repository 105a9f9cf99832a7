"""Loads ONNX files with onnx's checker and onnxruntime, and compares what they compute with what Vitrina computed.

Reads a JSON list of {"file", "inputs": {name: tensor}, "outputs": {name: tensor}} on standard input, a tensor being
{"dtype", "shape", "data"}; prints a line for every file that differs, and the number of files that agree.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime

DTYPES = {"string": object, "bool": np.bool_}


def to_array(tensor):
    data = [float(x) if x in ("NaN", "Infinity", "-Infinity") else x for x in tensor["data"]] if tensor[
        "dtype"
    ] != "string" else tensor["data"]
    return np.array(data, dtype=DTYPES.get(tensor["dtype"], tensor["dtype"])).reshape(tensor["shape"])


def check(case):
    model = onnx.load(case["file"])
    onnx.checker.check_model(model, full_check=True)
    assert "vitrina" in {entry.key for entry in model.metadata_props}, "no metadata"
    session = onnxruntime.InferenceSession(case["file"], providers=["CPUExecutionProvider"])
    names = list(case["outputs"])
    got = session.run(names, {name: to_array(tensor) for name, tensor in case["inputs"].items()})
    for name, value in zip(names, got):
        expected = to_array(case["outputs"][name])
        assert value.shape == expected.shape, f"{name}: shape {value.shape}, expected {expected.shape}"
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            assert (value == expected).all(), f"{name} differs"


cases = json.load(sys.stdin)
agreed = 0
for case in cases:
    try:
        check(case)
        agreed += 1
    except Exception as error:  # every kind of failure is a line
        print(f"{case['file']}: {type(error).__name__}: {str(error)[:300]}")
print(f"{agreed} of {len(cases)} agree")
