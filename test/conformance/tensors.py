"""One tensor of each type of the protocol, as NumPy has it: the model `echo` gives each back as `echo_<input>`."""

import numpy as np

tensors = {
    "bool": ("BOOL", np.array([[True, False]])),
    "uint8": ("UINT8", np.array([[0, 255]], dtype=np.uint8)),
    "uint16": ("UINT16", np.array([[0, 65535]], dtype=np.uint16)),
    "uint32": ("UINT32", np.array([[0, 2**32 - 1]], dtype=np.uint32)),
    "uint64": ("UINT64", np.array([[0, 2**64 - 1]], dtype=np.uint64)),
    "int8": ("INT8", np.array([[-128, 127]], dtype=np.int8)),
    "int16": ("INT16", np.array([[-32768, 32767]], dtype=np.int16)),
    "int32": ("INT32", np.array([[-(2**31), 2**31 - 1]], dtype=np.int32)),
    "int64": ("INT64", np.array([[-(2**63), 2**53 + 1]], dtype=np.int64)),
    "float16": ("FP16", np.array([[0.1, -65504]], dtype=np.float16)),
    "float32": ("FP32", np.array([[0.1, -3e38]], dtype=np.float32)),
    "float64": ("FP64", np.array([[0.1, 5e-324]], dtype=np.float64)),
    "string": ("BYTES", np.array([["", "naïve 😀"]], dtype=np.object_)),
}

# What JSON cannot carry exactly, or the client does not write into it.
in_json = {name: tensor for name, tensor in tensors.items() if name not in ("float16", "int64", "uint64")}


def texts(array):
    """Clients give texts back as bytes."""
    return np.array([one.decode() if isinstance(one, bytes) else one for one in array.flat]).reshape(array.shape)


def assert_same(got, sent):
    assert got is not None, "no such output"
    if sent.dtype == np.object_:
        np.testing.assert_array_equal(texts(got), texts(sent))
    else:
        assert got.dtype == sent.dtype, (got.dtype, sent.dtype)
        np.testing.assert_array_equal(got, sent)
