"""tritonclient over HTTP, unmodified, against a server with the model `scale` (y = 2 x, three columns, FP32).

Usage: tritonclient_http.py HOST:PORT KEY; exits 0 when every call gives what it should.
"""

import asyncio
import sys

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

address, key = sys.argv[1:]
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
assert {model["name"] for model in client.get_model_repository_index(headers=headers)} == {"scale"}

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

try:
    client.infer("absent", inputs, headers=headers)
    raise AssertionError("a model that is not there answered")
except InferenceServerException as error:
    assert error.status() == "404" and "absent" in error.message(), error

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
print("tritonclient http: all calls as they should be")
