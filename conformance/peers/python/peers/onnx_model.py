"""Models of one node: the operator Attention of the ONNX standard, as a problem asks for it."""
import math

import ml_dtypes
import numpy as np
from onnx import TensorProto, checker, defs, helper

TYPES = {
    np.dtype(np.float16): TensorProto.FLOAT16,
    np.dtype(ml_dtypes.bfloat16): TensorProto.BFLOAT16,
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.float64): TensorProto.DOUBLE,
    np.dtype(np.bool_): TensorProto.BOOL,
    np.dtype(np.int64): TensorProto.INT64,
}
WEIGHTS = 3

# Until ONNX 1.21 positions stood at the top left corner whatever the lengths; since then lengths move them.
LENGTHS_MOVE_POSITIONS = "bottom-right" in defs.get_schema("Attention", 24, "").attributes["is_causal"].description


def feeds_of(problem, arrays):
    """The inputs by the names of the standard, in the order of its slots; None where one is left out."""
    lengths = arrays.get("keyLengths")
    is_positional = problem["causal"] or problem["window"] is not None
    if LENGTHS_MOVE_POSITIONS and lengths is not None and is_positional and problem["alignment"] == "topLeft":
        raise ValueError("with nonpad_kv_seqlen positions are those of the bottom right corner")
    if lengths is None and problem["alignment"] == "bottomRight":
        lengths = np.full(problem["batch"], problem["keyLength"])
    return {
        "Q": arrays["query"],
        "K": arrays["key"],
        "V": arrays["value"],
        "attn_mask": arrays.get("mask"),
        "past_key": None,
        "past_value": None,
        "nonpad_kv_seqlen": None if lengths is None else lengths.astype(np.int64),
    }


def model_of(problem, feeds, opset):
    present = {name: array for name, array in feeds.items() if array is not None}
    last = max(at for at, name in enumerate(feeds) if name in present)
    wants_weights = "weights" in problem["outputs"]
    window = problem["window"] or {}
    default_scale = 1 / math.sqrt(problem["headDim"])
    attributes = {
        # An attribute is float32: the default is more exact.
        **({} if problem["scale"] == default_scale else {"scale": float(problem["scale"])}),
        "is_causal": int(problem["causal"]),
        **({"softcap": float(problem["softcap"])} if problem["softcap"] is not None else {}),
        **({"qk_matmul_output_mode": WEIGHTS} if wants_weights else {}),
        **{f"{side}_window_size": bound for side, bound in window.items() if bound is not None},
    }
    outputs = ["Y", "", "", "qk_matmul_output"] if wants_weights else ["Y"]
    kind = TYPES[feeds["Q"].dtype]
    node = helper.make_node(
        "Attention", [name if name in present else "" for name in list(feeds)[: last + 1]], outputs, **attributes
    )
    graph = helper.make_graph(
        [node],
        "attention",
        [helper.make_tensor_value_info(name, TYPES[array.dtype], array.shape) for name, array in present.items()],
        [helper.make_tensor_value_info(name, kind, [None] * 4) for name in outputs if name],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 10
    checker.check_model(model)
    return model, present


def results_of(problem, outputs):
    names = ["output", "weights"] if "weights" in problem["outputs"] else ["output"]
    return dict(zip(names, outputs))
