"""PyTorch's side of scripts/layers.mjs: one line in, the milliseconds of one run out.

"mha BATCH NEED_WEIGHTS", "gradient", "minilm IDS"; and "embed IDS", answered with the embeddings in one list.

    python layers_server.py THREADS [FOLDER of all-MiniLM-L6-v2]
"""

import json
import sys
import time

import torch
from torch.nn import functional as F

E, HEADS, LENGTH = 768, 12, 512
torch.manual_seed(1)
torch.set_num_threads(int(sys.argv[1]))
layer = torch.nn.MultiheadAttention(E, HEADS, batch_first=True)
x = torch.rand(1, LENGTH, E) - 0.5
batches = {"1": x, "8": torch.rand(8, LENGTH, E) - 0.5}


def weights_of(folder):
    """Tensors of a safetensors file: a length, a header, the numbers."""
    data = bytearray(open(f"{folder}/model.safetensors", "rb").read())
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        part = torch.frombuffer(data, dtype=torch.float32, offset=8 + size + begin, count=(end - begin) // 4)
        found[name] = part.reshape(entry["shape"])
    return found


def minilm(weights, ids):
    """all-MiniLM-L6-v2 in bare functions: 6 post-norm blocks of width 384 with 12 heads, and the mean of the rows."""

    def linear(x, name):
        return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(x, name):
        return F.layer_norm(x, (384,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)

    batch, length = ids.shape
    kinds = "embeddings.{}_embeddings.weight"
    words = F.embedding(ids, weights[kinds.format("word")])
    places = weights[kinds.format("position")][:length] + weights[kinds.format("token_type")][0]
    x = norm(words + places, "embeddings.LayerNorm")
    for n in range(6):
        block = f"encoder.layer.{n}"
        heads = [
            linear(x, f"{block}.attention.self.{part}").reshape(batch, length, 12, 32).transpose(1, 2)
            for part in ("query", "key", "value")
        ]
        joined = F.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(batch, length, 384)
        x = norm(x + linear(joined, f"{block}.attention.output.dense"), f"{block}.attention.output.LayerNorm")
        hidden = F.gelu(linear(x, f"{block}.intermediate.dense"))
        x = norm(x + linear(hidden, f"{block}.output.dense"), f"{block}.output.LayerNorm")
    return F.normalize(x.mean(1))


weights = weights_of(sys.argv[2]) if len(sys.argv) > 2 else None
print(f"torch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
for line in sys.stdin:
    what, *more = line.split()
    start = time.perf_counter()
    if what == "mha":
        given, need_weights = batches[more[0]], more[1] == "1"
        start = time.perf_counter()
        with torch.inference_mode():
            layer.eval()(given, given, given, need_weights=need_weights, average_attn_weights=False)
    elif what == "gradient":
        layer.train()
        layer.zero_grad()
        given = x.clone().requires_grad_()
        layer(given, given, given, need_weights=False)[0].backward(x)
    elif what == "embed":
        with torch.inference_mode():
            print(json.dumps(minilm(weights, torch.tensor(json.loads(more[0]))).flatten().tolist()), flush=True)
        continue
    else:
        ids = torch.tensor(json.loads(more[0]))
        start = time.perf_counter()
        with torch.inference_mode():
            minilm(weights, ids)
    print(1000 * (time.perf_counter() - start), flush=True)
