"""What the disturbed commands read: a checkpoint that trains in a second, and pairs of sentences."""

from __future__ import annotations

import json
import math
import random
import struct
from pathlib import Path

WIDTH, LAYERS, INNER, POSITIONS = 32, 2, 64, 64
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """the a of to and in that has can use used via by files file data system systems user users
command commands server malware registry key keys network process processes code execute executed
powershell windows http credentials email attachment attachments service services download collect
victim persistence information remote access script scripts scheduled task tasks encrypted backdoor
""".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,-()"


def vocabulary() -> "list[str]":
    """Whole words, and letters for all others."""
    return [*SPECIAL, *WORDS, *(c for c in LETTERS if c not in WORDS), *(f"##{c}" for c in LETTERS)]


def checkpoint(folder: Path) -> None:
    """A BERT of two layers, with random weights that are the same each time."""
    folder.mkdir(parents=True)
    words = vocabulary()
    config = {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": WIDTH,
              "intermediate_size": INNER, "max_position_embeddings": POSITIONS,
              "num_attention_heads": 4, "num_hidden_layers": LAYERS, "type_vocab_size": 2,
              "vocab_size": len(words), "attention_probs_dropout_prob": 0.1,
              "hidden_dropout_prob": 0.1, "initializer_range": 0.02, "hidden_act": "gelu",
              "layer_norm_eps": 1e-12, "pad_token_id": 0, "position_embedding_type": "absolute"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True,
                "model_max_length": POSITIONS}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(safetensors(shapes(len(words))))


def shapes(words: int) -> "dict[str, list[int]]":
    found = {"embeddings.word_embeddings.weight": [words, WIDTH],
             "embeddings.position_embeddings.weight": [POSITIONS, WIDTH],
             "embeddings.token_type_embeddings.weight": [2, WIDTH],
             **norm("embeddings.LayerNorm"), **dense("pooler.dense", WIDTH, WIDTH)}
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            found.update(dense(f"{layer}.attention.{name}", WIDTH, WIDTH))
        found.update({**norm(f"{layer}.attention.output.LayerNorm"),
                      **dense(f"{layer}.intermediate.dense", WIDTH, INNER),
                      **dense(f"{layer}.output.dense", INNER, WIDTH),
                      **norm(f"{layer}.output.LayerNorm")})
    return {f"bert.{name}": shape for name, shape in found.items()}


def dense(name: str, inputs: int, outputs: int) -> "dict[str, list[int]]":
    return {f"{name}.weight": [outputs, inputs], f"{name}.bias": [outputs]}


def norm(name: str) -> "dict[str, list[int]]":
    return {f"{name}.weight": [WIDTH], f"{name}.bias": [WIDTH]}


def safetensors(tensors: "dict[str, list[int]]") -> bytes:
    """A header of JSON, its length before it, and then the numbers: single precision."""
    draw, header, body = random.Random(1), {}, bytearray()
    for name, shape in tensors.items():
        start, count = len(body), math.prod(shape)
        if "LayerNorm.weight" in name:
            values = [1.0] * count
        else:
            values = [draw.gauss(0.0, 0.02) for _ in range(count)]
        body += struct.pack(f"<{count}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(body)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(body)


def pairs(folder: Path) -> None:
    """Labelled pairs of sentences, no text in two files."""
    draw = random.Random(2)
    for name, number in (("train", 48), ("validation", 16), ("test", 16)):
        rows = []
        for place in range(number):
            first, second = (" ".join(draw.choices(WORDS, k=6)) for _ in range(2))
            rows.append({"sentence1": f"{name} {first}", "sentence2": f"{name} {second}",
                         "label": place % 2})
        (folder / f"pairs.{name}.json").write_text(json.dumps(rows), encoding="utf-8")
