"""torch.nn.attention.flex_attention, compiled for the CPU, which takes tens of seconds for each problem."""
import torch
from torch.nn.attention.flex_attention import flex_attention

from peers import torch_flex
from peers.torch_flex import version  # noqa: F401

compiled = torch.compile(flex_attention)


def attend(problem, arrays):
    torch.compiler.reset()  # the functions of the last problem
    return torch_flex.attend(problem, arrays, compiled, wants_log=False)
