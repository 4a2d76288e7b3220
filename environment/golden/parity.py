"""Golden numbers for ttp-lib/tests/suite/parity.rs, from transformers.

    write="cargo run --package ttp-lib --example random_checkpoints -- target/parity"
    $write --texts target/parity/texts.json bert secbert roberta
    $write --layers 2 scibert
    python -m venv golden && golden/bin/pip install torch==2.4.0 transformers==4.46.3 'numpy<2.3'
    golden/bin/python environment/golden/parity.py target/parity

writes ttp-lib/tests/golden/parity.json: MiniLM as published, and the four random checkpoints
of the folder, whose configurations and vocabularies are read and whose weights are made
here, by the rule of ttp-lib/tests/suite/common/random_checkpoint.rs. The files of weights are
compared with them. RoBERTa is run with the epsilon of its configuration too. SciBERT is
BERT's shape with another vocabulary: two layers of it are enough.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import tokenizers
import torch
import transformers

ROOT = Path(__file__).resolve().parents[2]
MINILM = ROOT / "data/raw/models/minilm"
OUT = ROOT / "ttp-lib/tests/golden/parity.json"

LABELS = 5
MAX_LENGTH = 512
# Every 13th of the corpus's 13,039 texts: all parts of it, in a thousand.
EVERY, TEXTS = 13, 1000
DIMENSIONS = 8
EPSILON = 1e-12

NASTY = [
    "",
    " ",
    " \t\r\n  ",
    " ".join(["malware"] * 300 + ["beacons"] * 300),
    "a" * 200,
    "a" * 100 + " " + "b" * 101,
    "The 😀 dropper 👩‍💻 sends 🏴‍☠️ and 💾.",
    "התוקף שולח דואר",
    "المهاجم يرسل بريدًا",
    "left \u202eevil.exe\u202c right",
    "null\u0000byte, bell\u0007, escape\u001b[31m, delete\u007f, next\u0085line",
    "soft\u00adhyphen, zero\u200bwidth, joi\u200dner, non\u200cjoiner, bom\ufeff",
    "no-break\u00a0space, ideographic\u3000space, line\u2028separator",
    "cafe\u0301 naïve ÀPT ﬁle Straße ΟΔΥΣΣΕΥΣ İstanbul ǅ",
    "日本語のマルウェア 中文 한국어",
    "The attacker sends [MASK] to [SEP] the [CLS] victim [PAD] [UNK].",
    "The attacker sends <mask> to </s> the <s> victim <pad> <unk>.",
    "[MASK]",
    "[mask] [Mask] < mask > [MASK][MASK]",
    "<mask><mask> a <mask>b",
    "##ing ## # [unused7] [UNK",
    "line one\nline two\r\n\tline three",
    "C:\\Windows\\Temp\\a_b.exe -enc JABzAD0A /etc/passwd http[:]//a.b/c?d=e&f#g",
    "CVE-2017-0144's $PATH don't you're 1,024.50% ~^`|",
    "�\ue000\U000e0001\u0378",
    "’‘“”—–…•",
    "  two  spaces  ",
    ".",
]
SENTENCES = [
    "The implant sends the stolen documents to its server over HTTPS.",
    "Run.",
    "Mimikatz read passwords from LSASS memory on CVE-2017-0144 victims.",
    " ".join(["APT-X (naïve spelling: “ÀPT-X”) drops C:\\Windows\\Temp\\a_b.exe, then pings "
              "203.0.113.7 and waits for commands; the operator collects credentials."] * 4),
]
MASKED = [
    "In a spear phishing scheme, attackers send {} to targeted people.",
    "{} encrypts the files.",
    "The malware established persistence by adding a {} key and then waited for {}.",
]


def numbers(name, shape):
    """float32 of a tensor, by its name: see random_checkpoint.rs."""
    start = 0xCBF29CE484222325
    for byte in name.encode():
        start = (start ^ byte) * 0x100000001B3 % 2**64
    mean, exponent = 0.0, -21
    if name.endswith(("LayerNorm.weight", "layer_norm.weight")):
        mean, exponent = 1.0, -19
    elif name.endswith(("word_embeddings.weight", "query.weight", "key.weight")):
        exponent = -20
    made = np.empty(int(np.prod(shape)), np.float32)
    for at in range(0, made.size, 1 << 22):
        place = np.arange(at + 1, min(at + (1 << 22), made.size) + 1, dtype=np.uint64)
        z = np.uint64(start) + place * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        parts = [(z >> np.uint64(16 * part)) & np.uint64(0xFFFF) for part in range(4)]
        total = sum(parts).astype(np.int64) - 2 * 65535
        made[at:at + place.size] = (
            np.float32(mean) + total.astype(np.float32) * np.float32(2.0 ** exponent))
    return torch.from_numpy(made).view(*shape)


def fill(model, checkpoint, only=""):
    with torch.no_grad():
        for name, variable in model.named_parameters():
            if name.startswith(only):
                variable.copy_(numbers(f"{checkpoint}/{name}", tuple(variable.shape)))


def short_hash(ids):
    return hashlib.sha256(np.asarray(ids, "<u4").tobytes()).hexdigest()[:8]


def tokens(tokenizer, texts):
    def ids_of(some):
        return tokenizer(some, truncation=True, max_length=MAX_LENGTH)["input_ids"]

    hashes = [short_hash(ids) for ids in ids_of(texts[::EVERY][:TEXTS])]
    return {
        "corpus": [" ".join(hashes[at:at + 10]) for at in range(0, len(hashes), 10)],
        "nasty": ids_of(NASTY),
    }


def projected(rows):
    """One number for each row of numbers, in which all of them have a part."""
    direction = numbers("projection", (rows.shape[-1],)).double()
    return (rows.double() @ direction).tolist()


def sample(hidden):
    """Of `[length, width]`: the first dimensions at three tokens, and something of each."""
    places = [0, len(hidden) // 2, len(hidden) - 1]
    return {
        "first": [hidden[place, :DIMENSIONS].tolist() for place in places],
        "projected": projected(hidden),
    }


def alone(model, ids):
    return model(input_ids=torch.tensor([ids]), output_hidden_states=True)


def check_batch(model, rows, padding, expected):
    """That transformers itself says the same of padded rows."""
    longest = max(map(len, rows))
    batch = model(
        input_ids=torch.tensor([row + [padding] * (longest - len(row)) for row in rows]),
        attention_mask=torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows]))
    for row, logits in zip(batch.logits, expected):
        difference = (row[:len(logits)] - logits).abs().max().item()
        assert difference < 2e-5, f"padding changes {difference}"


@torch.no_grad()
def classified(model, tokenizer):
    rows = [tokenizer(s, truncation=True, max_length=MAX_LENGTH)["input_ids"] for s in SENTENCES]
    outputs = [alone(model, ids) for ids in rows]
    if tokenizer.pad_token_id is not None:
        check_batch(model, rows, tokenizer.pad_token_id, [o.logits[0] for o in outputs])
    return [{
        "sentence": sentence,
        "logits": output.logits[0].tolist(),
        "hidden": sample(output.hidden_states[-1][0]),
    } for sentence, output in zip(SENTENCES, outputs)]


@torch.no_grad()
def filled(model, tokenizer):
    texts = [text.format(*[tokenizer.mask_token] * text.count("{}")) for text in MASKED]
    rows = [tokenizer(text)["input_ids"] for text in texts]
    outputs = [alone(model, ids) for ids in rows]
    check_batch(model, rows, tokenizer.pad_token_id, [o.logits[0] for o in outputs])
    cases = []
    for text, ids, output in zip(texts, rows, outputs):
        masks = [at for at, token in enumerate(ids) if token == tokenizer.mask_token_id]
        places = []
        for place in masks + [0]:
            logits = output.logits[0, place]
            top = logits.topk(5)
            places.append({
                "position": place,
                "top": list(zip(top.indices.tolist(), top.values.tolist())),
                "first": logits[:DIMENSIONS].tolist(),
                "last": logits[-DIMENSIONS:].tolist(),
                "projected": projected(logits),
            })
        cases.append({"sentence": text, "places": places,
                      "hidden": sample(output.hidden_states[-1][0])})
    return cases


@torch.no_grad()
def largest_difference(one, other, rows):
    """Over logits and last hidden states of two models."""
    worst = {"logits": 0.0, "hidden": 0.0}
    for ids in rows:
        a, b = alone(one, ids), alone(other, ids)
        pairs = {"logits": (a.logits, b.logits),
                 "hidden": (a.hidden_states[-1], b.hidden_states[-1])}
        for what, (x, y) in pairs.items():
            worst[what] = max(worst[what], (x - y).abs().max().item())
    return worst


def check_file(folder, model, checkpoint):
    """That the file of weights, read by transformers, holds the numbers made here."""
    read = type(model).from_pretrained(folder, torch_dtype=torch.float32).state_dict()
    for name, variable in model.state_dict().items():
        assert torch.equal(read[name], variable), f"{checkpoint}: {name}"


def classifier(config, checkpoint, epsilon):
    config = type(config).from_dict({**config.to_dict(), "layer_norm_eps": epsilon})
    config.num_labels = LABELS
    model = transformers.AutoModelForSequenceClassification.from_config(config).eval()
    fill(model, checkpoint)
    return model


def masked_model(config, checkpoint, epsilon):
    config = type(config).from_dict({**config.to_dict(), "layer_norm_eps": epsilon})
    model = transformers.AutoModelForMaskedLM.from_config(config).eval()
    fill(model, checkpoint)
    model.tie_weights()
    return model


def random_checkpoint(folder, texts):
    name = folder.name
    print(name, file=sys.stderr, flush=True)
    config = transformers.AutoConfig.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    vocabulary = folder / ("vocab.txt" if (folder / "vocab.txt").exists() else "merges.txt")
    golden = {
        "layers": config.num_hidden_layers,
        "vocabulary_sha256": hashlib.sha256(vocabulary.read_bytes()).hexdigest(),
        "tokens": tokens(tokenizer, texts),
    }
    if (folder / "tokenizer.json").exists():
        # Made of the vocabulary by the same example: transformers' own must agree with it.
        own = type(tokenizer)(vocab_file=str(folder / "vocab.txt"),
                              do_lower_case=tokenizer.do_lower_case)
        assert tokens(own, texts) == golden["tokens"], name
    masked = masked_model(config, name, EPSILON)
    check_file(folder, masked, name)
    golden["masked"] = filled(masked, tokenizer)
    model = classifier(config, name, EPSILON)
    golden["classified"] = classified(model, tokenizer)
    if config.layer_norm_eps != EPSILON:
        rows = [tokenizer(s)["input_ids"] for s in SENTENCES]
        golden["with_its_own_epsilon"] = {
            "layer_norm_eps": config.layer_norm_eps,
            "classified": classified(classifier(config, name, config.layer_norm_eps), tokenizer),
            "masked": filled(masked_model(config, name, config.layer_norm_eps), tokenizer),
            "difference": epsilon_difference(config, name, rows),
        }
    return golden


def epsilon_difference(config, name, rows):
    """What layer_norm_eps changes, in this model and in one of RoBERTa's own base size."""
    base = type(config).from_dict({
        **config.to_dict(), "hidden_size": 768, "intermediate_size": 3072,
        "num_attention_heads": 12, "num_hidden_layers": 12})
    differences = {}
    for size, shape in [("small", config), ("base", base)]:
        differences[size] = {}
        for what, build in [("classifier", classifier), ("masked_words", masked_model)]:
            pair = [build(shape, name, epsilon) for epsilon in (EPSILON, config.layer_norm_eps)]
            differences[size][what] = largest_difference(*pair, rows)
    return differences


def minilm(texts):
    print("minilm", file=sys.stderr, flush=True)
    tokenizer = transformers.BertTokenizerFast(tokenizer_file=str(MINILM / "tokenizer.json"))
    # The file cuts and pads by itself, which neither side wants.
    tokenizer.backend_tokenizer.no_padding()
    model = transformers.BertForSequenceClassification.from_pretrained(
        MINILM, num_labels=LABELS).eval()
    fill(model, "minilm", only="classifier")
    return {"tokens": tokens(tokenizer, texts), "classified": classified(model, tokenizer)}


def lines(value, indent=0):
    """JSON with a line for each thing that a reader would compare."""
    if isinstance(value, dict):
        inner = ",\n".join(f"{' ' * (indent + 1)}{json.dumps(k)}: {lines(v, indent + 1)}"
                           for k, v in value.items())
        return f"{{\n{inner}\n{' ' * indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], (dict, list, str)):
        inner = ",\n".join(f"{' ' * (indent + 1)}{lines(v, indent + 1)}" for v in value)
        return f"[\n{inner}\n{' ' * indent}]"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(lines(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=True)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    folder = Path(sys.argv[1])
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    golden = {
        "made_by": f"transformers {transformers.__version__}, torch {torch.__version__}, "
                   f"tokenizers {tokenizers.__version__}, numpy {np.__version__}",
        "texts": {
            "every": EVERY,
            "count": TEXTS,
            "sha256": hashlib.sha256("\n".join(texts[::EVERY][:TEXTS]).encode()).hexdigest(),
        },
        "max_length": MAX_LENGTH,
        "nasty": NASTY,
        "minilm": minilm(texts),
    }
    for name in ["bert", "scibert", "secbert", "roberta"]:
        golden[name] = random_checkpoint(folder / name, texts)
    OUT.write_text(lines(golden) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
