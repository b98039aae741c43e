"""Trains a small transformer in PyTorch, in float64, and dumps its loss at each step: src/test/small-transformer.ts is
the same model, with the same first weights and the same tokens, made of the numbers of `noise`.

    pip install torch numpy
    python scripts/dump_training.py > cases/torch-training.json
"""

import math

import torch
import torch.nn.functional as F
from encoding import dump

torch.set_default_dtype(torch.float64)

SIZES = {
    "small": {"layers": 2, "width": 32, "heads": 4, "length": 16, "batch": 4, "words": 24, "steps": 50},
    "whole": {"layers": 4, "width": 256, "heads": 4, "length": 128, "batch": 16, "words": 64, "steps": 50},
}
LEARNING_RATE = 1e-3


def noise(count, stream):
    """Numbers in [0, 1) by a hash of their index (MurmurHash3's finalizer)."""
    mask = 0xFFFFFFFF
    h = (torch.arange(count, dtype=torch.int64) + stream * 0x9E3779B1) & mask
    for multiplier, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13)):
        h = h ^ (h >> shift)
        h = (h * multiplier) & mask
    return (h ^ (h >> 16)).double() / 2**32


def parameters_of(size):
    """In the order of the streams. Weights are uniform with the width of their inputs, gains 1, biases 0."""
    width, stream, made = size["width"], 0, {}

    def weight(name, *shape):
        nonlocal stream
        stream += 1
        count = math.prod(shape)
        made[name] = ((2 * noise(count, stream) - 1) / math.sqrt(shape[-1])).reshape(shape).requires_grad_()

    def affine(name, out, into):
        weight(f"{name}.weight", out, into)
        made[f"{name}.bias"] = torch.zeros(out, requires_grad=True)

    def norm(name):
        made[f"{name}.weight"] = torch.ones(width, requires_grad=True)
        made[f"{name}.bias"] = torch.zeros(width, requires_grad=True)

    weight("words.weight", size["words"], width)
    weight("positions.weight", size["length"], width)
    for n in range(size["layers"]):
        norm(f"{n}.attentionNorm")
        for part in ("query", "key", "value", "output"):
            affine(f"{n}.attention.{part}", width, width)
        norm(f"{n}.feedForwardNorm")
        affine(f"{n}.feedForward.up", 4 * width, width)
        affine(f"{n}.feedForward.down", width, 4 * width)
    norm("norm")
    weight("head.weight", size["words"], width)
    return made


def tokens_of(size, step):
    """Words that follow one another at a distance of their own in each text, [B, L + 1]."""
    pairs = noise(2 * size["batch"], 1000 + step).reshape(size["batch"], 2)
    start = torch.floor(pairs[:, :1] * size["words"]).long()
    distance = 1 + torch.floor(pairs[:, 1:] * 5).long()
    return (start + distance * torch.arange(size["length"] + 1)) % size["words"]


def loss_of(p, size, ids):
    width, heads = size["width"], size["heads"]
    batch, length = size["batch"], size["length"]

    def linear(x, name):
        return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    def norm(x, name):
        return F.layer_norm(x, (width,), p[f"{name}.weight"], p[f"{name}.bias"], 1e-5)

    x = F.embedding(ids[:, :-1], p["words.weight"]) + p["positions.weight"]
    for n in range(size["layers"]):
        inner = norm(x, f"{n}.attentionNorm")
        split = [
            linear(inner, f"{n}.attention.{part}").reshape(batch, length, heads, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        ]
        joined = F.scaled_dot_product_attention(*split, is_causal=True).transpose(1, 2).reshape(x.shape)
        x = x + linear(joined, f"{n}.attention.output")
        hidden = F.gelu(linear(norm(x, f"{n}.feedForwardNorm"), f"{n}.feedForward.up"))
        x = x + linear(hidden, f"{n}.feedForward.down")
    logits = F.linear(norm(x, "norm"), p["head.weight"])
    return F.cross_entropy(logits.reshape(batch * length, -1), ids[:, 1:].reshape(-1))


def curve(size):
    parameters = parameters_of(size)
    optimizer = torch.optim.Adam(parameters.values(), lr=LEARNING_RATE)
    losses = []
    for step in range(size["steps"]):
        optimizer.zero_grad()
        loss = loss_of(parameters, size, tokens_of(size, step))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


dump(learningRate=LEARNING_RATE, cases=[{"name": name, "size": size, "losses": curve(size)} for name, size in SIZES.items()])
