"""Writes protocol/grpc_service.proto and model_config.proto: the interface that tritonclient speaks.

tritonclient carries the descriptors of Triton's two files, compiled; this prints them as text again, with the numbers
and names that are on the wire and without the comments. Run it with .venv/bin/python after an upgrade of tritonclient.
"""

from importlib.metadata import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from tritonclient.grpc import model_config_pb2, service_pb2

protocol = Path(__file__).parents[2] / "protocol"
notice = next(file for file in files("tritonclient") if file.name == "LICENSE.txt").read_text().strip()
scalars = {
    getattr(FieldDescriptorProto, f"TYPE_{name.upper()}"): name
    for name in "double float int64 uint64 int32 fixed64 fixed32 bool string bytes uint32".split()
}


def type_of(field, package):
    return scalars.get(field.type) or field.type_name.removeprefix(f".{package}.").split(".")[-1]


def fields_of(message, package, indent):
    entries = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    choice = None
    for field in message.field:
        inside = field.oneof_index if field.HasField("oneof_index") else None
        if choice is not None and inside != choice:
            yield f"{indent}}}"
        if inside is not None and inside != choice:
            yield f"{indent}oneof {message.oneof_decl[inside].name} {{"
        choice = inside
        own = indent if inside is None else indent + "  "
        entry = entries.get(field.type_name.split(".")[-1])
        if entry is not None:
            key, value = (type_of(one, package) for one in entry.field)
            yield f"{own}map<{key}, {value}> {field.name} = {field.number};"
        else:
            repeated = "repeated " if field.label == FieldDescriptorProto.LABEL_REPEATED else ""
            yield f"{own}{repeated}{type_of(field, package)} {field.name} = {field.number};"
    if choice is not None:
        yield f"{indent}}}"


def enum(declared, indent=""):
    yield f"{indent}enum {declared.name} {{"
    yield from (f"{indent}  {value.name} = {value.number};" for value in declared.value)
    yield f"{indent}}}"


def message(declared, package, indent=""):
    yield f"{indent}message {declared.name} {{"
    inner = indent + "  "
    for nested in declared.enum_type:
        yield from enum(nested, inner)
    for nested in declared.nested_type:
        if not nested.options.map_entry:
            yield from message(nested, package, inner)
    yield from fields_of(declared, package, inner)
    yield f"{indent}}}"


def service(declared, package):
    name = lambda type_name, streamed: ("stream " if streamed else "") + type_name.removeprefix(f".{package}.")
    yield f"service {declared.name} {{"
    for method in declared.method:
        asked = name(method.input_type, method.client_streaming)
        answered = name(method.output_type, method.server_streaming)
        yield f"  rpc {method.name}({asked}) returns ({answered}) {{}}"
    yield "}"


def text_of(module):
    file = FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
    yield "// The interface of the Triton Inference Server, as tritonclient has it; by scripts/python/make-protocol.py."
    yield "//"
    yield from (f"//{line.removeprefix('#')}" for line in notice.split("\n"))
    yield ""
    yield 'syntax = "proto3";'
    yield ""
    yield f"package {file.package};"
    for dependency in file.dependency:
        yield f'\nimport "{dependency}";'
    for declared in file.service:
        yield ""
        yield from service(declared, file.package)
    for declared in file.enum_type:
        yield ""
        yield from enum(declared)
    for declared in file.message_type:
        yield ""
        yield from message(declared, file.package)


for name, module in {"grpc_service": service_pb2, "model_config": model_config_pb2}.items():
    (protocol / f"{name}.proto").write_text("\n".join(text_of(module)) + "\n")
