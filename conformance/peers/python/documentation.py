"""Prints what the installed libraries document about attention, as JSON by library."""
import json
from importlib import import_module


def torch():
    functional = import_module("torch.nn.functional")
    return [functional.scaled_dot_product_attention.__doc__, import_module("torch").nn.MultiheadAttention.__doc__]


def jax():
    return [import_module("jax").nn.dot_product_attention.__doc__]


def keras():
    library = import_module("keras")
    return [library.ops.dot_product_attention.__doc__, library.layers.MultiHeadAttention.__doc__]


def onnx():
    defs = import_module("onnx").defs
    versions = {schema.since_version for schema in defs.get_all_schemas_with_history() if schema.name == "Attention"}
    return [text for version in sorted(versions) for text in texts_of(defs.get_schema("Attention", version, ""))]


def onnxruntime():
    state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    schemas = [schema for schema in state.get_all_operator_schema() if schema.name == "MultiHeadAttention"]
    return [text for schema in schemas for text in texts_of(schema)]


def texts_of(schema):
    attributes = (f"{name}: {attribute.description}" for name, attribute in schema.attributes.items())
    return [schema.doc, *attributes, *(f"{slot.name}: {slot.description}" for slot in schema.inputs)]


documentation = {}
for library in (torch, jax, keras, onnx, onnxruntime):
    try:
        documentation[library.__name__] = "\n".join(library())
    except ImportError:  # this environment does without it
        pass
print(json.dumps(documentation))
