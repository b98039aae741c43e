"""Dumps torch.nn.MultiheadAttention on random inputs: outputs, weights, gradients.

    pip install torch numpy
    python scripts/dump_multi_head_attention.py > cases/torch-multi-head-attention.json

Everything is computed in float32, as the model would run. Masks are PyTorch's: true may not be attended to.
"""

import torch
from encoding import dump, encode, encode_all


def case(name, key=None, value=None, mask=None, padding=None, **options):
    torch.manual_seed(len(name))
    layer = torch.nn.MultiheadAttention(16, 4, batch_first=True, **options)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    query = torch.randn(2, 5, 16, requires_grad=True)
    inputs = {"query": query}
    if key is not None:
        inputs["key"] = torch.randn(2, *key, requires_grad=True)
        inputs["value"] = torch.randn(2, *value, requires_grad=True)
    output, weights = layer(
        query,
        inputs.get("key", query),
        inputs.get("value", query),
        attn_mask=mask,
        key_padding_mask=padding,
        average_attn_weights=False,
    )
    d_output = torch.randn_like(output)
    output.backward(d_output)
    return {
        "name": name,
        "options": {"embedDim": 16, "heads": 4, **options},
        "inputs": encode_all(inputs),
        "mask": None if mask is None else encode(mask),
        "keyPaddingMask": None if padding is None else encode(padding),
        "stateDict": encode_all(layer.state_dict()),
        "output": encode(output),
        "weights": encode(weights),
        "dOutput": encode(d_output),
        "dInputs": {k: encode(v.grad) for k, v in inputs.items()},
        "dStateDict": {k: encode(v.grad) for k, v in layer.named_parameters()},
    }


causal = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
added = torch.randn(8, 5, 5, generator=torch.Generator().manual_seed(1))
cases = [
    case("self"),
    case("self, without bias", bias=False),
    case("cross", key=(7, 16), value=(7, 16)),
    case("cross, kdim and vdim", key=(7, 12), value=(7, 10), kdim=12, vdim=10),
    case("padding", padding=padding),
    case("boolean mask", mask=causal),
    case("float mask, one for each head", mask=added),
    case("mask and padding", mask=causal, padding=padding),
]
dump(cases=cases)
