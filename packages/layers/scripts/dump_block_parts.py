"""Dumps the parts of a transformer block in PyTorch on random inputs: outputs and gradients, in float32.

    pip install torch numpy safetensors
    python scripts/dump_block_parts.py > cases/torch-block-parts.json
"""

import base64
import math

import safetensors.torch
import torch
import torch.nn.functional as F
from encoding import dump, encode, encode_all


def module(name, layer, options, ours, rename=lambda name: name):
    """A module [2, 3, E] → [2, 3, E] with its gradients."""
    torch.manual_seed(len(name))
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, mean=0.1, std=0.3)
    x = (2 * torch.randn(2, 3, 8)).requires_grad_()
    output = layer(x)
    d_output = torch.randn_like(output)
    output.backward(d_output)
    return {
        "name": name,
        "layer": ours,
        "options": options,
        "input": encode(x),
        "stateDict": encode_all({rename(k): v for k, v in layer.state_dict().items()}),
        "output": encode(output),
        "dOutput": encode(d_output),
        "dInput": encode(x.grad),
        "dStateDict": encode_all({rename(k): v.grad for k, v in layer.named_parameters()}),
    }


class Gated(torch.nn.Module):
    def __init__(self, activation, bias):
        super().__init__()
        self.gate_proj = torch.nn.Linear(8, 12, bias=bias)
        self.up_proj = torch.nn.Linear(8, 12, bias=bias)
        self.down_proj = torch.nn.Linear(12, 8, bias=bias)
        self.activation = activation

    def forward(self, x):
        return self.down_proj(self.activation(self.gate_proj(x)) * self.up_proj(x))


class Plain(torch.nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.linear1 = torch.nn.Linear(8, 12)
        self.linear2 = torch.nn.Linear(12, 8)
        self.activation = activation

    def forward(self, x):
        return self.linear2(self.activation(self.linear1(x)))


def gelu_tanh(x):
    return F.gelu(x, approximate="tanh")


NAMES = {F.gelu: "gelu", gelu_tanh: "geluTanh", F.silu: "silu", F.relu: "relu", torch.sigmoid: "sigmoid"}


def activation(function):
    torch.manual_seed(1)
    x = torch.cat([3 * torch.randn(30), torch.tensor([0.0, -0.0, 20.0, -20.0, 60.0, -60.0])]).requires_grad_()
    output = function(x)
    output.sum().backward()
    return {"name": NAMES[function], "input": encode(x), "output": encode(output), "dInput": encode(x.grad)}


def cross_entropy(name, target, **options):
    torch.manual_seed(2)
    logits = (4 * torch.randn(2, 4, 5)).requires_grad_()
    target = torch.tensor(target)
    loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), **options)
    losses = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none", **options)
    loss.backward()
    return {
        "name": name,
        "logits": encode(logits),
        "target": target.tolist(),
        "ignoreIndex": options.get("ignore_index", -100),
        "labelSmoothing": options.get("label_smoothing", 0),
        "loss": loss.item(),
        "losses": losses.tolist(),
        "dLogits": encode(logits.grad),
    }


def tied():
    torch.manual_seed(3)
    layer = torch.nn.Embedding(7, 4)
    ids = torch.tensor([[1, 6, 1], [0, 3, 3]])
    rows = layer(ids)
    logits = rows @ layer.weight.T
    d_logits = torch.randn_like(logits)
    logits.backward(d_logits)
    return {
        "ids": ids.tolist(),
        "weight": encode(layer.weight),
        "rows": encode(rows),
        "logits": encode(logits),
        "dLogits": encode(d_logits),
        "dWeight": encode(layer.weight.grad),
    }


def clipped(maximum):
    torch.manual_seed(4)
    parameters = {"a": torch.zeros(2, 3), "b": torch.zeros(5)}
    for parameter in parameters.values():
        parameter.grad = torch.randn_like(parameter)
    before = encode_all({k: v.grad.clone() for k, v in parameters.items()})
    norm = torch.nn.utils.clip_grad_norm_(parameters.values(), maximum)
    return {
        "maximum": maximum,
        "norm": norm.item(),
        "before": before,
        "after": encode_all({k: v.grad for k, v in parameters.items()}),
    }


def steps(schedule):
    """What torch.optim.AdamW makes of the gradients of Σ x⁴ / 4, in float64, with a rate for each step."""
    x = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.AdamW([x], lr=0.05, weight_decay=0.1, betas=(0.8, 0.95), eps=1e-6)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    for _ in range(12):
        optimizer.zero_grad()
        (x**4 / 4).sum().backward()
        optimizer.step()
        rates.step()
    return x.tolist()


def cosine(step):
    if step < 3:
        return step / 3
    return (1 + math.cos(math.pi * min(1, (step - 3) / 7))) / 2


def linear(step):
    return step / 3 if step < 3 else max(0, (10 - step) / 7)


tensors = {
    "b.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "a": torch.tensor([True, False, True]),
    "10": torch.tensor(7, dtype=torch.int32),
    "ä": torch.tensor([0.5], dtype=torch.float64),
    "b.a": torch.zeros(0, 4),
    "９": torch.tensor([1.0]),
    "𝟗": torch.tensor([2.0]),
}
file = {
    "tensors": encode_all(tensors),
    "metadata": {"format": 'p"t\n'},
    "bytes": base64.b64encode(safetensors.torch.save(tensors, {"format": 'p"t\n'})).decode(),
    "withoutMetadata": base64.b64encode(safetensors.torch.save(tensors)).decode(),
}

dump(
    safetensors=safetensors.__version__,
    activations=[activation(function) for function in NAMES],
    modules=[
        module("LayerNorm", torch.nn.LayerNorm(8), {"embedDim": 8}, "LayerNorm"),
        module(
            "LayerNorm, no bias, its epsilon",
            torch.nn.LayerNorm(8, eps=0.1, bias=False),
            {"embedDim": 8, "bias": False, "epsilon": 0.1},
            "LayerNorm",
        ),
        module("RMSNorm", torch.nn.RMSNorm(8, eps=1e-6), {"embedDim": 8}, "RMSNorm"),
        *(
            module(
                f"feed-forward, {name}",
                Plain(function),
                {"embedDim": 8, "hiddenDim": 12, "activation": name},
                "FeedForward",
            )
            for function, name in NAMES.items()
        ),
        *(
            module(
                f"feed-forward, gated by {NAMES[function]}",
                Gated(function, bias),
                {"embedDim": 8, "hiddenDim": 12, "activation": NAMES[function], "gated": True, "bias": bias},
                "FeedForward",
            )
            for function, bias in [(F.silu, False), (F.gelu, True), (torch.sigmoid, True)]
        ),
    ],
    crossEntropies=[
        cross_entropy("plain", [[0, 1, 2, 3], [4, 4, 0, 1]]),
        cross_entropy("some ignored", [[0, -100, 2, 3], [4, -100, -100, 1]]),
        cross_entropy("another index ignored", [[0, 1, 2, 3], [4, 4, 0, 1]], ignore_index=4),
        cross_entropy("smoothed", [[0, -100, 2, 3], [4, 4, 0, 1]], label_smoothing=0.1),
    ],
    tied=tied(),
    clipped=[clipped(1.0), clipped(50.0)],
    adamW={"constant": steps(lambda step: 1), "cosine": steps(cosine), "linear": steps(linear)},
    file=file,
)
