"""A tensor as {dtype, shape, data}: base64 of little-endian, row-major bytes. And the end of every script here."""

import base64
import json
import sys

import torch


def encode(tensor):
    array = tensor.detach().contiguous().numpy()
    little_endian = array.astype(array.dtype.newbyteorder("<"))
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "data": base64.b64encode(little_endian.tobytes()).decode(),
    }


def encode_all(tensors):
    return {name: encode(tensor) for name, tensor in tensors.items()}


def dump(**fields):
    json.dump({"source": f"torch {torch.__version__.split('+')[0]}", "license": "Apache-2.0", **fields}, sys.stdout)
    sys.stdout.write("\n")
