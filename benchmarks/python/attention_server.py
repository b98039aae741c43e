"""scaled_dot_product_attention of PyTorch, for the benchmarks: a header line of JSON and raw bytes in, the same out.

Each request is one line of JSON on standard input, followed by the arrays it announces, each of a type of TYPES; each
answer is one line of JSON on standard output, followed by the arrays it announces.
"""
import json
import math
import sys
import time

import torch
import torch.nn.functional as F

STDIN, STDOUT = sys.stdin.buffer, sys.stdout.buffer
TYPES = {
    "bool": (torch.bool, 1),
    "float16": (torch.float16, 2),
    "bfloat16": (torch.bfloat16, 2),
    "float32": (torch.float32, 4),
    "float64": (torch.float64, 8),
}
state = {}


def answer(header, arrays=()):
    STDOUT.write((json.dumps(header) + "\n").encode())
    for array in arrays:
        # numpy has no bfloat16.
        STDOUT.write(array.contiguous().view(torch.uint8).numpy().tobytes())
    STDOUT.flush()


def read(shape, dtype):
    type, size = TYPES[dtype]
    data = bytearray(STDIN.read(size * math.prod(shape)))
    return torch.frombuffer(data, dtype=type).reshape(shape)


def prepare(request):
    torch.set_num_threads(request["threads"])
    arrays = {name: read(shape, dtype) for name, shape, dtype in request["arrays"]}
    for name in ("query", "key", "value"):
        if "dOutput" in arrays:
            arrays[name].requires_grad_(True)
    state.update(arrays=arrays, causal=request["causal"], gqa=request["gqa"], results=[])
    answer({"version": torch.__version__, "capability": torch.backends.cpu.get_cpu_capability()})


def run():
    arrays = state["arrays"]
    output = F.scaled_dot_product_attention(
        arrays["query"], arrays["key"], arrays["value"],
        attn_mask=arrays.get("mask"), is_causal=state["causal"], enable_gqa=state["gqa"],
    )
    if "dOutput" not in arrays:
        state["results"] = [output]
        return
    inputs = [arrays[name] for name in ("query", "key", "value")]
    gradients = torch.autograd.grad(output, inputs, arrays["dOutput"])
    state["results"] = [output.detach(), *gradients]


def turn(milliseconds):
    samples, total = [], 0.0
    while not samples or total < milliseconds:
        started = time.perf_counter()
        run()
        samples.append(1000 * (time.perf_counter() - started))
        total += samples[-1]
    return samples


def main():
    for line in iter(STDIN.readline, b""):
        request = json.loads(line)
        try:
            if request["kind"] == "hello":
                answer({})
            elif request["kind"] == "prepare":
                prepare(request)
            elif request["kind"] == "turn":
                answer({"samplesMs": turn(request["milliseconds"])})
            elif request["kind"] == "results":
                results = state["results"]
                answer({"bytes": sum(array.nbytes for array in results)}, results)
        except Exception as error:  # the other side reports it
            answer({"error": f"{type(error).__name__}: {error}"})


main()
