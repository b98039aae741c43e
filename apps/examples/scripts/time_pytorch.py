"""Times all-MiniLM-L6-v2 in PyTorch on one sentence, as time-sentences does on Heed's backends.

    pip install torch transformers
    python scripts/time_pytorch.py ~/.cache/heed/all-MiniLM-L6-v2 [THREADS]
"""

import statistics
import sys
import time

import torch
import transformers

folder = sys.argv[1]
torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
model = transformers.BertModel.from_pretrained(folder).eval()
times = []
with torch.inference_mode():
    for _ in range(40):
        start = time.perf_counter()
        tokens = tokenizer("The bank of the river was muddy.", return_tensors="pt")
        torch.nn.functional.normalize(model(**tokens).last_hidden_state.mean(1))
        times.append(1000 * (time.perf_counter() - start))
versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
print(f"{statistics.median(times[10:]):.1f} ms   {versions}, {torch.get_num_threads()} threads")
