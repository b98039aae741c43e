"""Attention of Python libraries for the conformance suite: a line of JSON and raw bytes in, the same out.

A request is one line of JSON on standard input: `{"peer", "kind": "version"}`, or `{"peer", "kind": "attend", "problem",
"arrays"}` followed by the bytes of the arrays `[name, shape, dtype]` that it announces. The answer is one line on
standard output: `{"version"}`, or `{"arrays"}` followed by their bytes; `{"error"}` if the library raised something.
"""
import importlib
import json
import math
import os
import sys

# Small problems: threads would wait for each other longer than they compute.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402

STDIN = sys.stdin.buffer
# Libraries print where they like; the protocol keeps the real standard output to itself.
STDOUT = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)

DTYPES = {
    "float16": np.float16,
    "float32": np.float32,
    "float64": np.float64,
    "int32": np.int32,
    "bool": np.bool_,
}


def kind_of(dtype):
    if dtype != "bfloat16":
        return np.dtype(DTYPES[dtype])
    import ml_dtypes  # comes with JAX and with ONNX

    return np.dtype(ml_dtypes.bfloat16)


def read(shape, dtype):
    kind = kind_of(dtype)
    size = math.prod(shape) * kind.itemsize
    return np.frombuffer(bytearray(STDIN.read(size)), dtype=kind).reshape(shape)


def answer(header, arrays=()):
    STDOUT.write((json.dumps(header) + "\n").encode())
    for array in arrays:
        STDOUT.write(np.ascontiguousarray(array).tobytes())
    STDOUT.flush()


def respond(request):
    arrays = {name: read(shape, dtype) for name, shape, dtype in request.get("arrays", [])}
    peer = importlib.import_module(f"peers.{request['peer']}")
    if request["kind"] == "version":
        answer({"version": peer.version()})
        return
    results = peer.attend(request["problem"], arrays)
    results = {name: np.asarray(results[name]) for name in request["problem"]["outputs"]}
    answer(
        {"arrays": [[name, list(array.shape), str(array.dtype)] for name, array in results.items()]},
        results.values(),
    )


for line in iter(STDIN.readline, b""):
    try:
        respond(json.loads(line))
    except Exception as error:  # the other side reports it
        answer({"error": f"{type(error).__name__}: {error}"})
