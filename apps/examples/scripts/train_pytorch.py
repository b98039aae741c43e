"""Trains the language model of src/language-model in PyTorch, in float64: the loss of each of 50 steps.

    pip install torch numpy
    python scripts/train_pytorch.py > cases/torch-losses.json
"""

import json
import math
import sys

import numpy as np
import torch

SIZES = {
    "small": dict(vocabulary=16, length=12, width=16, heads=4, layers=2, batch=4),
    "full": dict(vocabulary=64, length=128, width=256, heads=4, layers=4, batch=16),
}
STEPS = 50
WORD = np.uint64(0xFFFFFFFF)


def uniform_numbers(seed, count):
    """seededRandom(seed) of @heed/layers: the words of Philox4x32-10, the last of each block first."""
    blocks = -(-count // 4)
    c = [np.arange(blocks, dtype=np.uint64)] + [np.zeros(blocks, np.uint64) for _ in range(3)]
    k0, k1 = seed, 0
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        shift = np.uint64(32)
        c = [(b >> shift) ^ c[1] ^ np.uint64(k0), b & WORD, (a >> shift) ^ c[3] ^ np.uint64(k1), a & WORD]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c[::-1], axis=1).reshape(-1)[:count].astype(np.float64) / 2**32


class Model(torch.nn.Module):
    def __init__(self, vocabulary, length, width, heads, layers, batch):
        super().__init__()
        self.tokens = torch.nn.Embedding(vocabulary, width)
        self.positions = torch.nn.Embedding(length, width)
        self.blocks = torch.nn.ModuleList(
            torch.nn.TransformerEncoderLayer(
                width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions.weight
        mask = torch.nn.Transformer.generate_square_subsequent_mask(ids.shape[1], dtype=x.dtype)
        for block in self.blocks:
            x = block(x, src_mask=mask, is_causal=True)
        return self.norm(x) @ self.tokens.weight.T


def set_first_weights(model):
    drawn = ["tokens.weight", "positions.weight"] + [
        f"blocks.{n}.{name}"
        for n in range(len(model.blocks))
        for name in [
            "self_attn.in_proj_weight",
            "self_attn.in_proj_bias",
            "self_attn.out_proj.weight",
            "self_attn.out_proj.bias",
            "linear1.weight",
            "linear1.bias",
            "linear2.weight",
            "linear2.bias",
        ]
    ]
    parameters = dict(model.named_parameters())
    numbers = uniform_numbers(1, sum(parameters[name].numel() for name in drawn))
    with torch.no_grad():
        for name in drawn:
            parameter = parameters[name]
            taken, numbers = numbers[: parameter.numel()], numbers[parameter.numel() :]
            values = (2 * taken - 1) / math.sqrt(parameter.shape[-1])
            parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))
    for name in set(parameters) - set(drawn):
        torch.nn.init.constant_(parameters[name], 1.0 if name.endswith("weight") else 0.0)


def texts(step, vocabulary, length, batch, **_):
    numbers = iter(uniform_numbers(1000 + step, 2 * batch * (length + 1)))
    ids, target = [], []
    for _ in range(batch):
        token = math.floor(next(numbers) * vocabulary)
        for _ in range(length):
            ids.append(token)
            token = (3 * token + 1) % vocabulary if next(numbers) < 0.8 else math.floor(next(numbers) * vocabulary)
            target.append(token)
    return torch.tensor(ids).reshape(batch, length), torch.tensor(target).reshape(batch, length)


def train(size):
    model = Model(**size).double()
    set_first_weights(model)
    decaying = [p for name, p in model.named_parameters() if "norm" not in name and not name.endswith("bias")]
    others = [p for name, p in model.named_parameters() if "norm" in name or name.endswith("bias")]
    optimizer = torch.optim.AdamW(
        [{"params": decaying, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], lr=3e-3
    )
    warmup = 5
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: step / warmup
        if step < warmup
        else (1 + math.cos(math.pi * (step - warmup) / (STEPS - warmup))) / 2,
    )
    losses = []
    for step in range(STEPS):
        ids, target = texts(step, **size)
        loss = torch.nn.functional.cross_entropy(model(ids).flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        print(f"{step} {loss.item():.6f}", file=sys.stderr)
    return losses


json.dump(
    {
        "source": f"torch {torch.__version__.split('+')[0]}",
        "losses": {name: train(size) for name, size in SIZES.items()},
    },
    sys.stdout,
    indent=1,
)
sys.stdout.write("\n")
