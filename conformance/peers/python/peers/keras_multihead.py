"""keras.layers.MultiHeadAttention and GroupQueryAttention on its PyTorch backend, through identity projections."""
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402
import numpy as np  # noqa: E402

from peers.torch_arrays import to_numpy, to_torch  # noqa: E402


def version():
    return f"{keras.__version__} (torch)"


def attend(problem, arrays):
    batch, heads, queries, size = arrays["query"].shape
    kv_heads, keys = arrays["key"].shape[1:3]
    value_size = arrays["value"].shape[3]
    if heads == kv_heads:
        layer = keras.layers.MultiHeadAttention(
            heads, size, value_dim=value_size, output_shape=heads * value_size, use_bias=False,
            dtype=problem["dtype"],
        )
    else:
        layer = keras.layers.GroupQueryAttention(
            size, heads, kv_heads, use_bias=False, dtype=problem["dtype"]
        )
    rows = lambda name: arrays[name].transpose(0, 2, 1, 3).reshape(batch, arrays[name].shape[2], -1)
    query, key, value = rows("query"), rows("key"), rows("value")
    layer.build(query.shape, value.shape, key.shape)
    # The layer's scale is 1 / sqrt(D); another one goes into the weights of the query.
    factors = [problem["scale"] * size**0.5, 1, 1, 1]
    layer.set_weights(
        [
            factor * np.eye(int(np.prod(weight.shape[: 1 if at < 3 else 2]))).reshape(weight.shape)
            for at, (factor, weight) in enumerate(zip(factors, layer.get_weights()))
        ]
    )
    mask = arrays.get("mask")
    if mask is not None:
        mask = mask.reshape(problem["mask"]["shape"])
        if mask.shape[1] != 1:
            raise ValueError("attention_mask is [B, T, S]: it has no axis of heads")
        mask = np.broadcast_to(mask[:, 0], (batch, queries, keys))
    wants_weights = "weights" in problem["outputs"]
    result = layer(
        *(to_torch(np.ascontiguousarray(tensor)) for tensor in (query, value, key)),
        attention_mask=mask,
        return_attention_scores=wants_weights,
        use_causal_mask=problem["causal"],
    )
    output, weights = result if wants_weights else (result, None)
    output = to_numpy(output).reshape(batch, queries, heads, value_size).transpose(0, 2, 1, 3)
    return {"output": output, **({"weights": to_numpy(weights)} if wants_weights else {})}
