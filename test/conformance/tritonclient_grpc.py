"""tritonclient over gRPC, unmodified: calls, asyncio, streams, types, errors.

Usage: tritonclient_grpc.py HTTP_ADDRESS GRPC_ADDRESS KEY; exits 0 when every call gives what it should.
"""

import asyncio
import queue
import sys

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tensors import assert_same, tensors
from tritonclient.utils import InferenceServerException

_, address, key = sys.argv[1:]
headers = {"x-api-key": key}
x = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)


def asked(module):
    tensor = module.InferInput("x", list(x.shape), "FP32")
    tensor.set_data_from_numpy(x)
    return [tensor], [module.InferRequestedOutput("y")]


def all_types(module):
    inputs = []
    for name, (datatype, array) in tensors.items():
        one = module.InferInput(name, list(array.shape), datatype)
        one.set_data_from_numpy(array)
        inputs.append(one)
    return inputs


def refused(call, status, text):
    try:
        call()
    except InferenceServerException as error:
        assert error.status() == f"StatusCode.{status}" and text in error.message(), error
    else:
        raise AssertionError(f"answered where {status} was due")


client = triton.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("scale", headers=headers)
assert not client.is_model_ready("absent", headers=headers)
assert client.get_server_metadata(headers=headers).name == "vitrina"
assert client.get_server_metadata(headers=headers, as_json=True)["name"] == "vitrina"
metadata = client.get_model_metadata("scale", headers=headers)
assert metadata.inputs[0].datatype == "FP32" and list(metadata.inputs[0].shape) == [-1, 3]
config = client.get_model_config("scale", "1", headers=headers).config
assert list(config.input[0].dims) == [3] and config.max_batch_size > 1, config
index = client.get_model_repository_index(headers=headers).models
assert {(model.name, model.state) for model in index} == {("echo", "READY"), ("scale", "READY")}, index

inputs, outputs = asked(triton)
for compression in (None, "gzip", "deflate"):
    result = client.infer(
        "scale",
        inputs,
        model_version="1",
        outputs=outputs,
        request_id="7",
        headers=headers,
        client_timeout=10,
        timeout=5_000_000,
        compression_algorithm=compression,
        parameters={"mine": "kept out of the way"},
    )
    np.testing.assert_array_equal(result.as_numpy("y"), 2 * x)
    assert result.get_response().id == "7"
np.testing.assert_array_equal(client.infer("scale", inputs, headers=headers).as_numpy("y"), 2 * x)
best = client.infer("scale", inputs, outputs=[triton.InferRequestedOutput("y", class_count=1)], headers=headers)
assert best.as_numpy("y")[0][0].decode() == "6:2"
result = client.infer("echo", all_types(triton), headers=headers)
for name, (_, array) in tensors.items():
    assert_same(result.as_numpy(f"echo_{name}"), array)

answers = queue.Queue()
for i in range(16):
    client.async_infer("scale", inputs, lambda result, error: answers.put((result, error)), headers=headers)
for i in range(16):
    result, error = answers.get(timeout=30)
    assert error is None, error
    np.testing.assert_array_equal(result.as_numpy("y"), 2 * x)

wrong_name = triton.InferInput("z", list(x.shape), "FP32")
wrong_name.set_data_from_numpy(x)
wrong_type = triton.InferInput("x", list(x.shape), "FP64")
wrong_type.set_data_from_numpy(x.astype(np.float64))
wrong_shape = triton.InferInput("x", [3, 2], "FP32")
wrong_shape.set_data_from_numpy(x.reshape(3, 2))
refused(lambda: client.infer("absent", inputs, headers=headers), "NOT_FOUND", 'no model "absent"')
refused(lambda: client.infer("scale", inputs, model_version="9", headers=headers), "NOT_FOUND", "no version")
refused(lambda: client.infer("scale", [wrong_name], headers=headers), "INVALID_ARGUMENT", "the inputs are x")
refused(lambda: client.infer("scale", [wrong_type], headers=headers), "INVALID_ARGUMENT", "without loss")
refused(lambda: client.infer("scale", [wrong_shape], headers=headers), "INVALID_ARGUMENT", "expected float32[?, 3]")
refused(lambda: client.infer("scale", inputs), "UNAUTHENTICATED", "API key")
refused(lambda: client.get_model_metadata("absent", headers=headers), "NOT_FOUND", "absent")
refused(lambda: client.get_trace_settings(headers=headers), "UNIMPLEMENTED", "")
# gRPC rounds a deadline up to a millisecond, within which an answer may come.
for _ in range(100):
    try:
        client.infer("scale", inputs, headers=headers, client_timeout=1e-6)
    except InferenceServerException as error:
        assert error.status() == "StatusCode.DEADLINE_EXCEEDED", error
        break
else:
    raise AssertionError("a hundred answers came in time")
try:
    client.infer("scale", inputs, headers=headers, timeout=1)
    raise AssertionError("answered within a microsecond")
except InferenceServerException as error:
    assert error.status() == "StatusCode.DEADLINE_EXCEEDED", error

client.unload_model("echo", headers=headers)
assert not client.is_model_ready("echo", headers=headers)
states = {model.name: (model.state, model.reason) for model in client.get_model_repository_index(headers=headers).models}
assert states["echo"][0] == "UNAVAILABLE" and states["echo"][1], states
refused(lambda: client.infer("echo", all_types(triton), headers=headers), "UNAVAILABLE", "unloaded")
client.load_model("echo", headers=headers)
client.load_model("echo", headers=headers)
assert client.is_model_ready("echo", headers=headers)
refused(lambda: client.load_model("absent", headers=headers), "NOT_FOUND", "absent")
refused(lambda: client.load_model("echo", headers=headers, config="{}"), "INVALID_ARGUMENT", "parameters.config")

statistics = client.get_inference_statistics("scale", headers=headers).model_stats[0]
assert statistics.inference_stats.success.count >= 20 and statistics.inference_count >= 40, statistics

# A stream: many requests under way, answers in order, an error that leaves the others alone.
answers = queue.Queue()
client.start_stream(lambda result, error: answers.put((result, error)), headers=headers)
for i in range(200):
    client.async_stream_infer("absent" if i == 100 else "scale", inputs, request_id=str(i), outputs=outputs)
for i in range(200):
    result, error = answers.get(timeout=30)
    if i == 100:
        assert result is None and 'no model "absent"' in error.message(), (result, error)
        continue
    assert error is None, error
    assert result.get_response().id == str(i)
    np.testing.assert_array_equal(result.as_numpy("y"), 2 * x)
client.async_stream_infer("scale", inputs, enable_empty_final_response=True)
assert answers.get(timeout=30)[0].get_response().parameters["triton_final_response"].bool_param
client.stop_stream()
client.close()


async def use_asyncio():
    async with triton_aio.InferenceServerClient(address) as aio:
        assert await aio.is_server_ready() and await aio.is_model_ready("scale", headers=headers)
        inputs, outputs = asked(triton_aio)
        results = await asyncio.gather(*[aio.infer("scale", inputs, outputs=outputs, headers=headers) for _ in range(32)])
        for result in results:
            np.testing.assert_array_equal(result.as_numpy("y"), 2 * x)
        result = await aio.infer("echo", all_types(triton_aio), headers=headers)
        for name, (_, array) in tensors.items():
            assert_same(result.as_numpy(f"echo_{name}"), array)
        try:
            await aio.infer("absent", inputs, headers=headers)
            raise AssertionError("a model that is not there answered")
        except InferenceServerException as error:
            assert error.status() == "StatusCode.NOT_FOUND", error

        async def requests():
            for i in range(50):
                yield {"model_name": "scale", "inputs": inputs, "outputs": outputs, "request_id": str(i)}

        ids = []
        async for result, error in aio.stream_infer(requests(), headers=headers):
            assert error is None, error
            np.testing.assert_array_equal(result.as_numpy("y"), 2 * x)
            ids.append(result.get_response().id)
        assert ids == [str(i) for i in range(50)], ids


asyncio.run(use_asyncio())
print("all calls as they should be")
