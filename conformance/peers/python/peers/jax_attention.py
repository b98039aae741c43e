"""jax.nn.dot_product_attention under jit, whose arrays are [B, L, H, D]."""
from inspect import signature

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

# One compilation for each shape; without jit every operation inside has one of its own.
STATIC = ["scale", "is_causal", "local_window_size", "return_residual"]
attention = jax.jit(
    jax.nn.dot_product_attention,
    static_argnames=[name for name in STATIC if name in signature(jax.nn.dot_product_attention).parameters],
)


def version():
    return jax.__version__


def attend(problem, arrays):
    swap = lambda array: array if problem["layout"] == "blhd" else np.swapaxes(array, 1, 2)
    window = problem["window"]
    if window is not None and None in window.values():
        length = max(problem["queryLength"], problem["keyLength"])
        window = {side: length if bound is None else bound for side, bound in window.items()}
    wants_log = "logSumExp" in problem["outputs"]  # JAX 0.8 does not know return_residual
    is_float = problem["mask"] is not None and problem["mask"]["kind"] == "float"
    result = attention(
        *(swap(arrays[name]) for name in ("query", "key", "value")),
        bias=arrays.get("mask") if is_float else arrays.get("bias"),
        mask=None if is_float else arrays.get("mask"),
        scale=problem["scale"],
        is_causal=problem["causal"],
        query_seq_lengths=arrays.get("queryLengths"),
        key_value_seq_lengths=arrays.get("keyLengths"),
        local_window_size=None if window is None else (window["left"], window["right"]),
        **({"return_residual": True} if wants_log else {}),
    )
    output, residual = result if wants_log else (result, None)
    results = {"output": swap(np.asarray(output))}
    return {**results, **({"logSumExp": np.swapaxes(np.asarray(residual), 1, 2)} if wants_log else {})}
