"""tritonclient over HTTP, unmodified, against a server with the models `scale` (y = 2 x, three columns, FP32) and `echo`.

Usage: tritonclient_http.py HTTP_ADDRESS GRPC_ADDRESS KEY; exits 0 when every call gives what it should.
"""

import asyncio
import sys

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tensors import assert_same, in_json, tensors
from tritonclient.utils import InferenceServerException

address, _, key = sys.argv[1:]
headers = {"X-Api-Key": key}
x = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)


def asked(module, binary_input, binary_output):
    tensor = module.InferInput("x", list(x.shape), "FP32")
    tensor.set_data_from_numpy(x, binary_data=binary_input)
    return [tensor], [module.InferRequestedOutput("y", binary_data=binary_output)]


client = triton.InferenceServerClient(address, concurrency=4)
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("scale", headers=headers)
assert not client.is_model_ready("absent", headers=headers)
assert client.get_server_metadata(headers=headers)["name"] == "vitrina"
assert client.get_model_metadata("scale", headers=headers)["inputs"][0]["datatype"] == "FP32"
assert client.get_model_config("scale", "1", headers=headers)["input"][0]["dims"] == [3]
assert {model["name"] for model in client.get_model_repository_index(headers=headers)} == {"echo", "scale"}

for binary_input in (True, False):
    for binary_output in (True, False):
        inputs, outputs = asked(triton, binary_input, binary_output)
        for compression in (None, "gzip", "deflate"):
            result = client.infer(
                "scale",
                inputs,
                outputs=outputs,
                request_id="7",
                headers=dict(headers),  # the client writes into them
                request_compression_algorithm=compression,
                response_compression_algorithm=compression,
            )
            np.testing.assert_array_equal(result.as_numpy("y"), 2 * x)
            assert result.get_response()["id"] == "7"

inputs, _ = asked(triton, True, True)
np.testing.assert_array_equal(client.infer("scale", inputs, headers=headers).as_numpy("y"), 2 * x)
pending = [client.async_infer("scale", inputs, headers=headers) for _ in range(16)]
for one in pending:
    np.testing.assert_array_equal(one.get_result().as_numpy("y"), 2 * x)
best = client.infer(
    "scale", inputs, outputs=[triton.InferRequestedOutput("y", class_count=1)], headers=headers
).as_numpy("y")
assert best[0][0].decode() == "6:2", best

for chosen, binary in ((tensors, True), (in_json, False)):
    inputs_of_all, outputs_of_all = [], []
    for name, (datatype, array) in tensors.items():
        one = triton.InferInput(name, list(array.shape), datatype)
        one.set_data_from_numpy(array, binary_data=binary or name not in in_json)
        inputs_of_all.append(one)
        outputs_of_all.append(triton.InferRequestedOutput(f"echo_{name}", binary_data=binary or name not in in_json))
    result = client.infer("echo", inputs_of_all, outputs=outputs_of_all, headers=dict(headers))
    for name, (_, array) in tensors.items():
        assert_same(result.as_numpy(f"echo_{name}"), array)


def refused(call, status, text):
    try:
        call()
    except InferenceServerException as error:
        assert error.status() == status and text in error.message(), error
    else:
        raise AssertionError(f"answered where {status} was due")


wrong_name = triton.InferInput("z", list(x.shape), "FP32")
wrong_name.set_data_from_numpy(x)
wrong_type = triton.InferInput("x", list(x.shape), "FP64")
wrong_type.set_data_from_numpy(x.astype(np.float64))
wrong_shape = triton.InferInput("x", [3, 2], "FP32")
wrong_shape.set_data_from_numpy(x.reshape(3, 2))
refused(lambda: client.infer("absent", inputs, headers=dict(headers)), "404", 'no model "absent"')
refused(lambda: client.infer("scale", inputs, model_version="9", headers=dict(headers)), "404", "no version")
refused(lambda: client.infer("scale", [wrong_name], headers=dict(headers)), "422", "the inputs are x")
refused(lambda: client.infer("scale", [wrong_type], headers=dict(headers)), "422", "without loss")
refused(lambda: client.infer("scale", [wrong_shape], headers=dict(headers)), "422", "expected float32[?, 3]")
refused(lambda: client.infer("scale", inputs, headers=dict(headers), timeout=1), "504", "")
refused(lambda: client.infer("scale", inputs), "401", "API key")
client.infer("scale", inputs, headers=dict(headers), timeout=5_000_000)

client.unload_model("echo", headers=headers)
assert not client.is_model_ready("echo", headers=headers)
index = {model["name"]: model for model in client.get_model_repository_index(headers=headers)}
assert index["echo"]["state"] == "UNAVAILABLE" and index["echo"]["reason"], index
client.load_model("echo", headers=headers)
client.load_model("echo", headers=headers)
assert client.is_model_ready("echo", headers=headers)
refused(lambda: client.load_model("absent", headers=headers), "404", "absent")
refused(lambda: client.unload_model("absent", headers=headers), "404", "absent")
refused(lambda: client.load_model("echo", headers=headers, config="{}"), "422", "parameters.config")

statistics = client.get_inference_statistics("scale", headers=headers)["model_stats"][0]
assert statistics["inference_stats"]["success"]["count"] >= 18, statistics
client.close()


async def use_asyncio():
    async with triton_aio.InferenceServerClient(address) as aio:
        assert await aio.is_server_ready()
        inputs, outputs = asked(triton_aio, True, True)
        result = await aio.infer("scale", inputs, outputs=outputs, headers=headers)
        np.testing.assert_array_equal(result.as_numpy("y"), 2 * x)


asyncio.run(use_asyncio())
print("all calls as they should be")
