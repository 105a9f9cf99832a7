"""Holds a ServingRuntime (JSON on standard input) against the fields and types that KServe's own SDK publishes.

Prints a line for each field that is not among them, and each value of another type; KServe's CRD has no schema in a
package of its own.
"""
import json
import re
import sys

import kserve
import kubernetes.client

plain = {"str": str, "bool": bool, "int": int}


def check(kind, value, path):
    if kind in plain:
        # JSON's true is an int to Python.
        if not isinstance(value, plain[kind]) or (kind == "int" and isinstance(value, bool)):
            yield f"{path} is not of type {kind}"
        return
    if inner := re.fullmatch(r"list\[(.*)]", kind):
        for i, one in enumerate(value):
            yield from check(inner[1], one, f"{path}[{i}]")
        return
    if inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
        for name, one in value.items():
            yield from check(inner[1], one, f"{path}.{name}")
        return
    model = getattr(kserve, kind, None) or getattr(kubernetes.client, kind, None)
    if model is None:
        return
    fields = {name: attribute for attribute, name in model.attribute_map.items()}
    for name, one in value.items():
        if name not in fields:
            yield f"{path}.{name} is no field of {kind}"
        else:
            yield from check(model.openapi_types[fields[name]], one, f"{path}.{name}")


for fault in check("V1alpha1ServingRuntime", json.load(sys.stdin), ""):
    print(fault)
