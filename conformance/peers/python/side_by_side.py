"""Evaluates calls of a library for the tables of MIGRATING.md: one object of JSON in, one out.

In: `{"library", "arrays": {name: {"shape", "dtype", "data"}}, "calls": [an expression, …]}`. Out: `{"version", "results"}`, a list
of `{"arrays": [{"shape", "data"}, …]}` or `{"error"}` for each call. `rows(x)` turns `[B, H, L, D]` into `[B, L, H, D]`.
"""
import json
import os
import sys

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["KERAS_BACKEND"] = "torch"
STDOUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def torch_names():
    import torch
    import torch.nn.functional as F
    from torch.nn.attention.bias import causal_lower_right
    from torch.nn.attention.flex_attention import AuxRequest, create_block_mask, create_mask, flex_attention

    def mha(query, key, value, add_zero_attn=False, bias_k=None, bias_v=None, **options):
        """nn.MultiheadAttention through identity projections, as [B, H, L, D]; bias_k and bias_v are [H, D]."""
        batch, heads, _, size = query.shape
        eye = torch.eye(heads * size)
        appended = {} if bias_k is None else {"bias_k": bias_k, "bias_v": bias_v}
        made = {"add_zero_attn": add_zero_attn, "add_bias_kv": bool(appended), "bias": False, "batch_first": True}
        module = torch.nn.MultiheadAttention(heads * size, heads, **made).eval()
        weights = {"in_proj_weight": torch.cat([eye] * 3), "out_proj.weight": eye}
        module.load_state_dict(weights | {name: row.reshape(1, 1, -1) for name, row in appended.items()})
        flat = lambda x: x.transpose(1, 2).reshape(batch, x.shape[2], -1)
        options = {"need_weights": False, **options}
        output, weights = module(flat(query), flat(key), flat(value), **options)
        output = output.reshape(batch, -1, heads, size).transpose(1, 2)
        return output if weights is None else (output, weights)

    def flex(query, key, value, mask_mod=None, **options):
        if mask_mod is not None:
            lengths = query.shape[2], key.shape[2]
            options["block_mask"] = create_block_mask(mask_mod, *query.shape[:2], *lengths, device="cpu")
        result = flex_attention(query, key, value, **options)
        return (result[0], result[1].lse) if isinstance(result, tuple) else result

    names = {"torch": torch, "F": F, "causal_lower_right": causal_lower_right, "mha": mha, "flex": flex}
    names |= {"AuxRequest": AuxRequest, "create_mask": create_mask}
    return torch.__version__, names, torch.from_numpy, lambda x: x.transpose(1, 2)


def jax_names():
    import jax
    import jax.numpy as jnp

    names = {"jax": jax, "jnp": jnp, "attention": jax.nn.dot_product_attention}
    return jax.__version__, names, jnp.asarray, lambda x: jnp.swapaxes(x, 1, 2)


def keras_names():
    import keras

    def layer(query, value, key, **options):
        """The layer through identity projections, as [B, H, L, D]."""
        flat = lambda x: x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)
        (batch, heads, length, size), kv_heads = query.shape, key.shape[1]
        made = (
            keras.layers.MultiHeadAttention(heads, size, use_bias=False)
            if heads == kv_heads
            else keras.layers.GroupQueryAttention(size, heads, kv_heads, use_bias=False)
        )
        made.build(flat(query).shape, flat(value).shape, flat(key).shape)
        made.set_weights([
            np.eye(int(np.prod(w.shape[: 1 if at < 3 else 2]))).reshape(w.shape)
            for at, w in enumerate(made.get_weights())
        ])
        result = made(flat(query), flat(value), flat(key), **options)
        output, scores = result if isinstance(result, tuple) else (result, None)
        output = np.asarray(output.detach()).reshape(batch, length, heads, size).transpose(0, 2, 1, 3)
        return output if scores is None else (output, scores)

    names = {"keras": keras, "layer": layer, "attention": keras.ops.dot_product_attention}
    return keras.__version__, names, np.asarray, lambda x: np.swapaxes(x, 1, 2)


def onnx_names():
    import onnx
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    types = {"float32": TensorProto.FLOAT, "bool": TensorProto.BOOL, "int64": TensorProto.INT64}

    def Attention(*inputs, **attributes):
        """The operator in the reference evaluator; inputs by place, None where one is left out."""
        feeds = {f"input{at}": array for at, array in enumerate(inputs) if array is not None}
        words = [f"input{at}" if array is not None else "" for at, array in enumerate(inputs)]
        outputs = ["Y", "", "", "weights"] if "qk_matmul_output_mode" in attributes else ["Y"]
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            [helper.make_node("Attention", words, outputs, **attributes)],
            "attention",
            [info(name, types[str(array.dtype)], array.shape) for name, array in feeds.items()],
            [info(name, TensorProto.FLOAT, [None] * 4) for name in outputs if name],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)])
        return ReferenceEvaluator(model).run(None, feeds)

    return onnx.__version__, {"Attention": Attention}, np.asarray, lambda x: np.swapaxes(x, 1, 2)


LIBRARIES = {"torch": torch_names, "jax": jax_names, "keras": keras_names, "onnx": onnx_names}


def evaluated(call, names):
    try:
        result = eval(call, names)
    except Exception as error:  # some rows say that the library refuses
        return {"error": f"{type(error).__name__}: {error}"}
    results = result if isinstance(result, (tuple, list)) else [result]
    arrays = [np.asarray(getattr(one, "detach", lambda one=one: one)()) for one in results]
    return {"arrays": [{"shape": one.shape, "data": [str(x) for x in one.ravel().tolist()]} for one in arrays]}


request = json.load(sys.stdin)
version, names, convert, rows = LIBRARIES[request["library"]]()
arrays = {
    name: convert(np.array(one["data"], dtype=one["dtype"]).reshape(one["shape"]))
    for name, one in request["arrays"].items()
}
names = {**names, **arrays, "rows": rows, "np": np, "inf": float("inf")}
results = [evaluated(call, names) for call in request["calls"]]
json.dump({"version": version, "results": results}, STDOUT)
STDOUT.flush()
