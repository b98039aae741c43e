"""all-MiniLM-L6-v2 as an ONNX model, for scripts/layers.mjs: token ids `[B, L]` in, rows of the last layer `[B, L, 384]` out.

    python minilm_onnx.py FOLDER OUTPUT.onnx

Nodes are those that ONNX Runtime is fastest with: the standard's Gather, MatMul, LayerNormalization and Gelu, which it fuses with the
sums around them when it loads the model, and its own MultiHeadAttention.
"""

import json
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEADS, LAYERS, EPSILON = 384, 12, 6, 1e-12


def weights_of(folder):
    """Arrays of a safetensors file: a length, a header, the numbers."""
    data = open(f"{folder}/model.safetensors", "rb").read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        part = np.frombuffer(data, np.float32, offset=8 + size + begin, count=(end - begin) // 4)
        found[name] = part.reshape(entry["shape"])
    return found


class Graph:
    """Nodes in order, each with one output of its own name."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind, inputs, **attributes):
        name = f"{kind}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def linear(self, x, name):
        weight = self.constant(f"{name}.weight", self.weights[f"{name}.weight"].T)
        bias = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.node("Add", [self.node("MatMul", [x, weight]), bias])

    def norm(self, x, name):
        names = [self.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias")]
        return self.node("LayerNormalization", [x, *names], axis=-1, epsilon=EPSILON)


def model_of(weights):
    graph = Graph(weights)
    kinds = "embeddings.{}_embeddings.weight"
    words = graph.node("Gather", [graph.constant("words", weights[kinds.format("word")]), "ids"])
    # Positions 0 … L − 1, and all tokens of the first text.
    places = graph.constant("places", weights[kinds.format("position")] + weights[kinds.format("token_type")][0])
    length = graph.node("Shape", ["ids"], start=1, end=2)
    first = graph.constant("first", np.zeros(1, np.int64))
    here = graph.node("Slice", [places, first, length, first])
    x = graph.norm(graph.node("Add", [words, here]), "embeddings.LayerNorm")
    for n in range(LAYERS):
        block = f"encoder.layer.{n}"
        parts = [graph.linear(x, f"{block}.attention.self.{part}") for part in ("query", "key", "value")]
        joined = graph.node("MultiHeadAttention", parts, num_heads=HEADS, domain="com.microsoft")
        attended = graph.linear(joined, f"{block}.attention.output.dense")
        x = graph.norm(graph.node("Add", [x, attended]), f"{block}.attention.output.LayerNorm")
        hidden = graph.node("Gelu", [graph.linear(x, f"{block}.intermediate.dense")])
        x = graph.norm(graph.node("Add", [x, graph.linear(hidden, f"{block}.output.dense")]), f"{block}.output.LayerNorm")
    graph.nodes.append(helper.make_node("Identity", [x], ["rows"]))
    ids = helper.make_tensor_value_info("ids", TensorProto.INT32, ["B", "L"])
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["B", "L", WIDTH])
    built = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", [ids], [rows], graph.constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(built, opset_imports=opsets, ir_version=10)


onnx.save(model_of(weights_of(sys.argv[1])), sys.argv[2])
