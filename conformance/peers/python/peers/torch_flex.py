"""torch.nn.attention.flex_attention, not compiled: every exclusion is a mask_mod, every addition a score_mod."""
import torch
from torch.nn.attention.flex_attention import AuxRequest, create_block_mask, flex_attention

from peers.torch_arrays import to_numpy, to_torch


def version():
    return torch.__version__


def positions(problem, arrays):
    batch, queries, keys = problem["batch"], problem["queryLength"], problem["keyLength"]
    if problem["alignment"] == "offset":
        return torch.from_numpy(arrays["offsets"]).long()
    if problem["alignment"] != "bottomRight":
        return torch.zeros(batch, dtype=torch.long)
    lengths = lambda name, whole: (
        torch.from_numpy(arrays[name]).long() if name in arrays else torch.full((batch,), whole)
    )
    return lengths("keyLengths", keys) - lengths("queryLengths", queries)


def attend(problem, arrays, flex=flex_attention, wants_log=True):
    """`wants_log`: the kernels that torch.compile makes for the CPU do not know return_aux."""
    tensors = {name: to_torch(array) for name, array in arrays.items()}
    batch, heads = problem["batch"], problem["heads"]
    queries, keys = problem["queryLength"], problem["keyLength"]
    offset = positions(problem, arrays)
    window = problem["window"] or {"left": None, "right": None}
    # A tensor: a captured Python number that changes between calls ends in an error of the tracer.
    softcap = None if problem["softcap"] is None else torch.tensor(problem["softcap"], dtype=tensors["query"].dtype)
    # Copies: compiled kernels end in an assertion for a captured tensor that is broadcast by strides.
    for name in {"mask", "bias"} & tensors.keys():
        tensors[name] = tensors[name].broadcast_to(batch, heads, queries, keys).contiguous()

    def mask_mod(b, h, i, j):
        allowed = j >= 0
        p = i + offset[b]
        if problem["causal"]:
            allowed = allowed & (j <= p)
        if window["left"] is not None:
            allowed = allowed & (j >= p - window["left"])
        if window["right"] is not None:
            allowed = allowed & (j <= p + window["right"])
        if "keyLengths" in tensors:
            allowed = allowed & (j < tensors["keyLengths"][b])
        if "queryLengths" in tensors:
            allowed = allowed & (i < tensors["queryLengths"][b])
        if "querySegments" in tensors:
            allowed = allowed & (tensors["querySegments"][b, i] == tensors["keySegments"][b, j])
        if problem["mask"] and problem["mask"]["kind"] == "boolean":
            allowed = allowed & tensors["mask"][b, h, i, j]
        return allowed

    def score_mod(score, b, h, i, j):
        if softcap is not None:
            score = softcap * torch.tanh(score / softcap)
        if "bias" in tensors:
            score = score + tensors["bias"][b, h, i, j]
        if "alibiSlopes" in tensors:
            score = score - tensors["alibiSlopes"][h] * (i + offset[b] - j).abs()
        if problem["mask"] and problem["mask"]["kind"] == "float":
            score = score + tensors["mask"][b, h, i, j]
        return score

    block_mask = create_block_mask(mask_mod, batch, heads, queries, keys, device="cpu")
    results = flex(
        tensors["query"], tensors["key"], tensors["value"],
        score_mod=score_mod,
        block_mask=block_mask,
        scale=problem["scale"],
        enable_gqa=heads != problem["kvHeads"],
        **({"return_aux": AuxRequest(lse=True)} if wants_log else {}),
    )
    if not wants_log:
        return {"output": to_numpy(results)}
    output, aux = results
    return {"output": to_numpy(output), "logSumExp": to_numpy(aux.lse)}
