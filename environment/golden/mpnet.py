"""Golden numbers for ttp-lib/tests/suite/mpnet.rs, from transformers and sentence-transformers.

    python -m venv golden
    golden/bin/pip install torch==2.4.0 transformers==4.46.3 sentence-transformers==5.1.2 'numpy<2.3'
    golden/bin/python environment/golden/mpnet.py [FOLDER] > ttp-lib/tests/golden/mpnet.json

The Python that `make bench-mpnet` makes in the cache has the same versions. FOLDER holds
all-mpnet-base-v2; without it that of data/raw/models is read.

Two models: a small MPNet whose weights follow from their names by the rule of
ttp-lib/tests/suite/common/random_checkpoint.rs, and all-mpnet-base-v2 as published. Of both:
the last layer, the sentences' vectors as sentence-transformers makes them, and every
parameter's gradient. Dropout is off.
"""

import json
import sys
from pathlib import Path

import sentence_transformers
import torch
import transformers
from sentence_transformers import SentenceTransformer, models
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

sys.path.insert(0, str(Path(__file__).parent))
from parity import numbers, projected, sample

MODEL = Path(__file__).resolve().parents[2] / "data/raw/models/mpnet"
LARGEST_DISTANCE = 600
# What is drawn spreads by 0.018, too little for attention to tell one key from another.
WIDER = {"attn.q.weight": 8, "attn.k.weight": 8, "relative_attention_bias.weight": 32}

CONFIG = {
    "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
    "hidden_size": 24, "initializer_range": 0.02, "intermediate_size": 40,
    "layer_norm_eps": 1e-05, "max_position_embeddings": 64, "model_type": "mpnet",
    "num_attention_heads": 3, "num_hidden_layers": 3, "pad_token_id": 1,
    "relative_attention_num_buckets": 32, "vocab_size": 30,
}
# The padding id in a text's middle counts as no position there either.
ROWS = [
    [0, 7, 8, 9, 7, 2],
    [0, 29, 2],
    [0, *[(5 * at) % 26 + 3 for at in range(40)], 1, 4, 2],
]
SENTENCES = [
    "The implant sends the stolen documents to its server over HTTPS.",
    "Ransomware",
    "APT-X (naïve spelling: “ÀPT-X”) drops C:\\Windows\\Temp\\a_b.exe, then pings 203.0.113.7 "
    "and waits; 日本語 too. [MASK] <mask> </s>",
    " ".join(["The loader decrypts its second stage, writes it to disk and starts it."] * 9),
]


def buckets():
    distances = torch.arange(-LARGEST_DISTANCE, LARGEST_DISTANCE + 1)
    return MPNetEncoder.relative_position_bucket(distances, num_buckets=32).tolist()


def small():
    config = transformers.MPNetConfig.from_dict({**CONFIG})
    config._attn_implementation = "eager"
    model = transformers.MPNetModel(config).eval()
    with torch.no_grad():
        for name, variable in model.named_parameters():
            factor = next((f for end, f in WIDER.items() if name.endswith(end)), 1)
            variable.copy_(factor * numbers(f"mpnet/{name}", tuple(variable.shape)))
    return model


def vectors(model, rows):
    """As the modules Pooling and Normalize make them, rows padded to the longest."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [1] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    features = {"token_embeddings": states, "attention_mask": mask}
    pooling = models.Pooling(states.shape[-1], pooling_mode="mean")
    features = models.Normalize()(pooling(features))
    return states, features["sentence_embedding"]


def gradients(model, rows):
    """Of a loss in which every vector's every number has a part."""
    model.zero_grad()
    found = vectors(model, rows)[1]
    weights = numbers("loss", tuple(found.shape)) * 32
    ((found * weights).sum(1) ** 2).sum().backward()
    return {
        name: {"norm": variable.grad.norm().item(),
               "first": variable.grad.flatten()[:4].tolist(),
               "projected": projected(variable.grad.reshape(1, -1))[0]}
        for name, variable in model.named_parameters() if variable.grad is not None
    }


def tensors(model):
    return sorted(f"{name} {list(p.shape)}" for name, p in model.named_parameters())


def lines(value, depth):
    """JSON with a line for each thing that a reader would compare."""
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, list) and (depth == 0 or not isinstance(value[0], (dict, list, str))):
        return "[" + ",".join(lines(one, 0) for one in value) + "]"
    if isinstance(value, list):
        return "[\n" + ",\n".join(lines(one, depth - 1) for one in value) + "\n]"
    if isinstance(value, dict):
        between = "," if depth == 0 else ",\n"
        parts = between.join(f"{json.dumps(k)}:{lines(v, max(depth - 1, 0))}" for k, v in value.items())
        return "{" + parts + "}" if depth == 0 else "{\n" + parts + "\n}"
    return json.dumps(value, ensure_ascii=True)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    model = small()
    with torch.no_grad():
        states, found = vectors(model, ROWS)
        for row, one in zip(ROWS, found):
            assert (vectors(model, [row])[1][0] - one).abs().max() < 1e-6, "padding changes a vector"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else MODEL
    real = SentenceTransformer(str(folder), device="cpu")
    ids = [real.tokenizer(s, truncation=True, max_length=real.max_seq_length)["input_ids"]
           for s in SENTENCES]
    body = real[0].auto_model.eval()
    with torch.no_grad():
        real_states = [body(input_ids=torch.tensor([row])).last_hidden_state[0] for row in ids]
    encoded = real.encode(SENTENCES, convert_to_tensor=True, show_progress_bar=False)
    print(lines({
        "made_by": f"sentence-transformers {sentence_transformers.__version__}, "
                   f"transformers {transformers.__version__}, torch {torch.__version__}",
        "largest_distance": LARGEST_DISTANCE,
        "buckets": buckets(),
        "small": {
            "config": CONFIG,
            "tensors": tensors(model),
            "rows": [[*row] for row in ROWS],
            "hidden": [states[at, :len(row)].flatten().tolist() for at, row in enumerate(ROWS)],
            "vectors": found.tolist(),
            "gradients": gradients(model, ROWS),
        },
        "real": {
            "sentences": [{"sentence": s, "ids": i, **sample(h), "vector": v[:8].tolist(),
                           "vector_projected": projected(v.reshape(1, -1))[0]}
                          for s, i, h, v in zip(SENTENCES, ids, real_states, encoded)],
            "gradients": gradients(body, ids),
        },
    }, 3))


if __name__ == "__main__":
    main()
