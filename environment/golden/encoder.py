"""Golden numbers for ttp-lib/tests/suite/models.rs, from transformers.

    python -m venv golden && golden/bin/pip install torch==2.4.0 transformers==4.46.3 'numpy<2.3'
    golden/bin/python environment/golden/encoder.py > ttp-lib/tests/golden/encoder.json

The checkpoint `minilm` as BertForSequenceClassification with three labels, whose head
is not random but written out here, so that both sides have the same one.
"""

import json
import sys
from pathlib import Path

import torch
import transformers

MODEL = Path(__file__).resolve().parents[2] / "data/raw/models/minilm"
LABELS = 3
SENTENCES = [
    "The implant sends the stolen documents to its server over HTTPS.",
    "Mimikatz read passwords from LSASS memory on CVE-2017-0144 victims.",
    "Run.",
    "APT-X (naïve spelling: “ÀPT-X”) drops C:\\Windows\\Temp\\a_b.exe, then pings 203.0.113.7 "
    "and waits; 日本語 too.",
]


def tensors_of_two_layers():
    """Names and shapes in the tiny model of ttp-lib/tests/suite/models.rs, as transformers has them."""
    config = transformers.BertConfig(
        hidden_size=32, intermediate_size=64, max_position_embeddings=64, num_attention_heads=4,
        num_hidden_layers=2, type_vocab_size=2, vocab_size=13, num_labels=2)
    model = transformers.BertForSequenceClassification(config)
    return sorted(f"{name} {list(p.shape)}" for name, p in model.named_parameters())


def main():
    tokenizer = transformers.BertTokenizerFast(tokenizer_file=str(MODEL / "tokenizer.json"))
    model = transformers.BertForSequenceClassification.from_pretrained(MODEL, num_labels=LABELS)
    model.eval()
    hidden = model.config.hidden_size
    with torch.no_grad():
        numbers = torch.arange(LABELS * hidden, dtype=torch.float64).view(LABELS, hidden)
        model.classifier.weight.copy_(torch.sin(numbers + 1.0) / 20.0)
        model.classifier.bias.copy_(torch.tensor([0.1, 0.0, -0.1]))
        ids = [tokenizer(s, truncation=True, max_length=512)["input_ids"] for s in SENTENCES]
        logits = [model(input_ids=torch.tensor([one])).logits[0].tolist() for one in ids]
    json.dump({
        "made_by": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "tensors_of_two_layers": tensors_of_two_layers(),
        "cases": [{"sentence": s, "ids": i, "logits": l} for s, i, l in zip(SENTENCES, ids, logits)],
    }, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
