"""torch.nn.attention.flex_attention, not compiled: every exclusion is a mask_mod, every addition a score_mod.

torch.compile takes half a minute for each combination of captured tensors on the CPU, knows neither float64 nor
return_aux there, and ends in an assertion of its own for a captured tensor that is broadcast.
"""
import torch
from torch.nn.attention.flex_attention import AuxRequest, create_block_mask, flex_attention


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


def attend(problem, arrays):
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    batch, heads = problem["batch"], problem["heads"]
    queries, keys = problem["queryLength"], problem["keyLength"]
    offset = positions(problem, arrays)
    window = problem["window"] or {"left": None, "right": None}
    # A tensor: a captured Python number that changes between calls ends in an error of the tracer.
    softcap = None if problem["softcap"] is None else torch.tensor(problem["softcap"], dtype=tensors["query"].dtype)
    full = lambda name: tensors[name].broadcast_to(batch, heads, queries, keys)

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
            allowed = allowed & full("mask")[b, h, i, j]
        return allowed

    def score_mod(score, b, h, i, j):
        if softcap is not None:
            score = softcap * torch.tanh(score / softcap)
        if "bias" in tensors:
            score = score + full("bias")[b, h, i, j]
        if "alibiSlopes" in tensors:
            score = score - tensors["alibiSlopes"][h] * (i + offset[b] - j).abs()
        if problem["mask"] and problem["mask"]["kind"] == "float":
            score = score + full("mask")[b, h, i, j]
        return score

    block_mask = create_block_mask(mask_mod, batch, heads, queries, keys, device="cpu")
    output, aux = flex_attention(
        tensors["query"], tensors["key"], tensors["value"],
        score_mod=score_mod,
        block_mask=block_mask,
        scale=problem["scale"],
        enable_gqa=heads != problem["kvHeads"],
        return_aux=AuxRequest(lse=True),
    )
    return {"output": output.numpy(), "logSumExp": aux.lse.numpy()}
