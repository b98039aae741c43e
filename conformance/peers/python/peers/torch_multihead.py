"""torch.nn.MultiheadAttention through identity projections, so that H·D = E; its mask is true where nobody attends."""
import numpy as np
import torch

from peers.torch_arrays import DTYPES, to_numpy, to_torch


def version():
    return torch.__version__


def attend(problem, arrays):
    batch, heads, queries, size = arrays["query"].shape
    keys = arrays["key"].shape[2]
    width = heads * size
    dtype = DTYPES[problem["dtype"]]
    module = torch.nn.MultiheadAttention(width, heads, bias=False, batch_first=True, dtype=dtype)
    with torch.no_grad():
        eye = torch.eye(width, dtype=dtype)
        # The module's scale is 1 / sqrt(D); another one goes into the weights of the query.
        module.in_proj_weight.copy_(torch.cat([eye * (problem["scale"] * size**0.5), eye, eye]))
        module.out_proj.weight.copy_(eye)
    module.eval()

    rows = lambda name: to_torch(arrays[name].transpose(0, 2, 1, 3).reshape(batch, -1, width).copy())
    mask = None
    if "mask" in arrays:
        full = np.broadcast_to(arrays["mask"], (batch, heads, queries, keys)).reshape(-1, queries, keys)
        mask = to_torch(~full if full.dtype == np.bool_ else full.copy())
    if problem["causal"]:
        if mask is not None:
            raise ValueError("is_causal is a hint about attn_mask: both are not possible")
        mask = torch.triu(torch.ones(queries, keys, dtype=torch.bool), diagonal=1)
    padding = None
    if "keyLengths" in arrays:
        padding = torch.from_numpy(np.arange(keys)[None, :] >= arrays["keyLengths"][:, None])
    wants_weights = "weights" in problem["outputs"]
    with torch.no_grad():
        output, weights = module(
            rows("query"), rows("key"), rows("value"),
            attn_mask=mask,
            key_padding_mask=padding,
            need_weights=wants_weights,
            average_attn_weights=False,
        )
    output = to_numpy(output.reshape(batch, queries, heads, size).transpose(1, 2))
    return {"output": output, **({"weights": to_numpy(weights)} if wants_weights else {})}
