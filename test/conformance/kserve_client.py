"""kserve's clients, unmodified, with protocol v2: over HTTP, with and without raw tensors, and over gRPC.

Usage: kserve_client.py HTTP_ADDRESS GRPC_ADDRESS KEY; exits 0 when every call gives what it should.
"""

import asyncio
import sys

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from tensors import assert_same, in_json, tensors

http_address, grpc_address, key = sys.argv[1:]
url = f"http://{http_address}"
headers = {"x-api-key": key}
x = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)


def request(binary, **more):
    tensor = InferInput("x", list(x.shape), "FP32")
    tensor.set_data_from_numpy(x, binary_data=binary)
    return InferRequest(model_name="scale", infer_inputs=[tensor], request_id="7", **more)


def all_types(chosen, binary):
    inputs = []
    for name, (datatype, array) in chosen.items():
        one = InferInput(name, list(array.shape), datatype)
        one.set_data_from_numpy(array, binary_data=binary)
        inputs.append(one)
    return InferRequest(model_name="echo", infer_inputs=inputs)


def output(response, name):
    return next(one for one in response.outputs if one.name == name).as_numpy()


async def use_http():
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=1))
    assert await client.is_server_live(url) and await client.is_server_ready(url)
    assert await client.is_model_ready(url, "scale", headers=dict(headers))
    for binary in (True, False):
        # The client writes into the headers that it is given.
        answer = await client.infer(url, request(binary), model_name="scale", headers=dict(headers))
        assert answer.id == "7" and answer.model_name == "scale", answer
        np.testing.assert_array_equal(output(answer, "y"), 2 * x)
        raw = [RequestedOutput("y", parameters={"binary_data": True})]
        answer = await client.infer(url, request(binary, request_outputs=raw), model_name="scale", headers=dict(headers))
        np.testing.assert_array_equal(output(answer, "y"), 2 * x)
    answer = await client.infer(url, all_types(tensors, True), model_name="echo", headers=dict(headers))
    for name, (_, array) in in_json.items():
        assert_same(output(answer, f"echo_{name}"), array)
    try:
        await client.infer(url, request(True), model_name="absent", headers=dict(headers))
        raise AssertionError("a model that is not there answered")
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == 404 and 'no model "absent"' in error.response.json()["error"], error
    await client.close()


async def use_grpc():
    metadata = tuple(headers.items())
    async with InferenceGRPCClient(grpc_address) as client:
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready("scale", headers=metadata)
        for binary in (True, False):
            answer = await client.infer(request(binary), headers=metadata)
            assert answer.id == "7" and answer.model_name == "scale", answer
            np.testing.assert_array_equal(output(answer, "y"), 2 * x)
        answer = await client.infer(all_types(tensors, True), headers=metadata)
        for name, (_, array) in tensors.items():
            assert_same(output(answer, f"echo_{name}"), array)
        try:
            await client.infer(request(True), headers=(("x-api-key", "none"),))
            raise AssertionError("a wrong key was let in")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED, error
            assert ("vitrina-code", "token-invalid") in [tuple(one) for one in error.trailing_metadata()], error


asyncio.run(use_http())
asyncio.run(use_grpc())
print("all calls as they should be")
