"""faster-whisper's side of scripts/transcribe.mjs: the path of a WAV file in, the seconds that it took and its text out, as JSON.

    python whisper_server.py THREADS FOLDER of a CTranslate2 model
"""

import json
import sys
import time

from faster_whisper import WhisperModel

threads, folder = int(sys.argv[1]), sys.argv[2]
model = WhisperModel(folder, device="cpu", compute_type="float32", cpu_threads=threads)
print("ready", flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    # As @heed/models decodes: greedily, each window by itself, with the times of words.
    segments, _ = model.transcribe(
        line.strip(),
        beam_size=1,
        temperature=0,
        condition_on_previous_text=False,
        word_timestamps=True,
        language="en",
    )
    text = "".join(segment.text for segment in segments)
    print(json.dumps({"seconds": time.perf_counter() - start, "text": text}), flush=True)
