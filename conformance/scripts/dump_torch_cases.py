"""Dumps cases for Heed's conformance suite from torch's scaled_dot_product_attention.

    pip install torch
    python dump_torch_cases.py > cases.json
    heed verify BACKEND --cases cases.json

Inputs are float32, expected values are computed from them in float64, gradients by autograd. In rows that may attend
to nothing, older versions of torch have NaN where newer ones, and Heed, have 0. CASES.md describes the format.
"""

import base64
import json
import sys

import torch
from torch.nn.functional import scaled_dot_product_attention as attention


def encode(tensor):
    """A tensor as {dtype, shape, data}; data is base64 of its little-endian, row-major bytes."""
    array = tensor.detach().cpu().contiguous().numpy()
    little_endian = array.astype(array.dtype.newbyteorder("<"))
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "data": base64.b64encode(little_endian.tobytes()).decode(),
    }


def case(name, options, inputs, **arguments):
    """One call, forward and backward. `inputs` has query, key, value, and may have mask (bool) or bias (float)."""
    exact = {n: t if t.dtype == torch.bool else t.double().requires_grad_() for n, t in inputs.items()}
    attn_mask = exact.get("mask", exact.get("bias"))
    output = attention(exact["query"], exact["key"], exact["value"], attn_mask=attn_mask, **arguments)
    d_output = torch.randn(output.shape, dtype=inputs["query"].dtype)
    output.backward(d_output.double())
    gradients = {"d" + n.capitalize(): encode(t.grad) for n, t in exact.items() if t.requires_grad}
    return {
        "id": f"torch/{name}",
        "options": options,
        "inputs": {n: encode(t) for n, t in inputs.items()} | {"dOutput": encode(d_output)},
        "expected": {"output": encode(output)} | gradients,
    }


def decoding(name, capacity, start, steps, heads=2, kv_heads=1, depth=8):
    """Calls of one query each on a key/value cache; rows that are not yet written hold what must not be read."""
    key, value = torch.randn(2, 1, kv_heads, capacity, depth)
    unwritten = torch.arange(capacity).view(1, 1, -1, 1) >= start
    calls = []
    for row in range(start, start + steps):
        query, end = torch.randn(1, heads, 1, depth), row + 1
        seen = [t[:, :, :end].double() for t in (key, value)]
        calls.append({
            "write": {"start": row, "key": encode(key[:, :, row:end]), "value": encode(value[:, :, row:end])},
            "inputs": {"query": encode(query), "keyLengths": [end]},
            "expected": {"output": encode(attention(query.double(), *seen, enable_gqa=True))},
        })
    cache = {"key": encode(key.masked_fill(unwritten, 1e4)), "value": encode(value.masked_fill(unwritten, 1e4))}
    return {
        "id": f"torch/{name}",
        "options": {"causal": True, "alignment": "bottomRight"},
        "inputs": cache,
        "steps": calls,
    }


def inputs(batch=2, heads=2, kv_heads=2, queries=5, keys=7, depth=8, value_depth=8):
    return {
        "query": torch.randn(batch, heads, queries, depth),
        "key": torch.randn(batch, kv_heads, keys, depth),
        "value": torch.randn(batch, kv_heads, keys, value_depth),
    }


def main():
    torch.manual_seed(0)
    mask = torch.rand(2, 1, 5, 7) < 0.6
    mask[..., 0] = True
    empty_row = mask.clone()
    empty_row[:, :, 2] = False
    cases = [
        case("dense", {}, inputs()),
        case("causal", {"causal": True, "alignment": "topLeft"}, inputs(), is_causal=True),
        case("mask", {}, inputs() | {"mask": mask}),
        case("empty-row", {}, inputs() | {"mask": empty_row}),
        case("bias", {}, inputs() | {"bias": torch.randn(1, 2, 5, 7)}),
        case("bias-of-each-key", {}, inputs() | {"bias": torch.randn(2, 1, 1, 7)}),
        case("gqa", {}, inputs(heads=6), enable_gqa=True),
        case("scale", {"scale": 0.5}, inputs(), scale=0.5),
        case("value-dim", {}, inputs(value_depth=3)),
        case("float64", {}, {n: t.double() for n, t in inputs().items()}),
        decoding("decoding", capacity=8, start=4, steps=3),
    ]
    source = f"torch {torch.__version__} scaled_dot_product_attention, float64 on a CPU"
    json.dump({"format": "heed-cases/1", "source": source, "cases": cases}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
