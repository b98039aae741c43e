"""torch.nn.functional.scaled_dot_product_attention."""
import torch
import torch.nn.functional as F
from torch.nn.attention.bias import causal_lower_right

from peers.torch_arrays import to_numpy, to_torch


def version():
    return torch.__version__


def attend(problem, arrays):
    mask = to_torch(arrays["mask"]) if "mask" in arrays else None
    top_left = problem["causal"] and problem["alignment"] == "topLeft"
    if problem["causal"] and not top_left:
        if mask is not None:
            raise ValueError("a CausalBias takes the place of attn_mask: both are not possible")
        mask = causal_lower_right(problem["queryLength"], problem["keyLength"])
    output = F.scaled_dot_product_attention(
        *(to_torch(arrays[name]) for name in ("query", "key", "value")),
        attn_mask=mask,
        is_causal=top_left,
        scale=problem["scale"],
        enable_gqa=problem["heads"] != problem["kvHeads"],
    )
    return {"output": to_numpy(output)}
