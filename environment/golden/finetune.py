"""The same fine-tuning in Python's transformers: the peer for score and speed.

    golden/bin/python environment/golden/finetune.py data/processed/splits/clean [epochs]

Same split, checkpoint, batch size, length buckets, AdamW, warm-up and decay, clipping,
dropout and number of threads as profile `laptop` and `ttp finetune`; the seed of libtorch
cannot be shared, so scores agree within what another seed would change. Versions: see
encoder.py; scikit-learn 1.7.2 for the score.
"""

import csv
import random
import re
import sys
import time
from pathlib import Path

import torch
import transformers
from sklearn.metrics import accuracy_score, f1_score

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "data/raw/models/minilm"
BATCH, MAX_LENGTH, RATE, WARMUP, DECAY, CLIP = 32, 128, 2e-4, 0.1, 0.01, 1.0
BATCHES_SORTED_TOGETHER = 32


def read(file):
    with open(file, encoding="utf-8", newline="") as rows:
        rows = list(csv.DictReader(rows))
    # An apostrophe keeps a spreadsheet from taking a cell for a formula.
    texts = [re.sub(r"^'(?='*[=+\-@\t\r])", "", row["sentence"]) for row in rows]
    return texts, [r["technique"] for r in rows]


def batches(lengths):
    rows = list(range(len(lengths)))
    random.shuffle(rows)
    window = BATCH * BATCHES_SORTED_TOGETHER
    made = []
    for start in range(0, len(rows), window):
        part = sorted(rows[start:start + window], key=lengths.__getitem__)
        made += [part[at:at + BATCH] for at in range(0, len(part), BATCH)]
    random.shuffle(made)
    return made


def collate(ids, rows):
    longest = max(len(ids[row]) for row in rows)
    padded = [ids[row] + [0] * (longest - len(ids[row])) for row in rows]
    mask = [[1] * len(ids[row]) + [0] * (longest - len(ids[row])) for row in rows]
    return {"input_ids": torch.tensor(padded), "attention_mask": torch.tensor(mask)}


def main():
    folder, epochs = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    random.seed(1)
    torch.manual_seed(1)
    tokenizer = transformers.BertTokenizerFast(tokenizer_file=str(MODEL / "tokenizer.json"))
    texts, techniques = read(folder / "train.csv")
    names = sorted(set(techniques))
    ids = tokenizer(texts, truncation=True, max_length=MAX_LENGTH)["input_ids"]
    labels = torch.tensor([names.index(one) for one in techniques])
    model = transformers.BertForSequenceClassification.from_pretrained(
        MODEL, num_labels=len(names))
    plain = [p for n, p in model.named_parameters() if n.endswith(".bias") or "LayerNorm" in n]
    decayed = [p for n, p in model.named_parameters()
               if not (n.endswith(".bias") or "LayerNorm" in n)]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}],
        lr=RATE)
    steps = epochs * -(-len(ids) // BATCH)
    schedule = transformers.get_linear_schedule_with_warmup(
        optimizer, round(WARMUP * steps), steps)

    model.train()
    began = time.monotonic()
    for epoch in range(epochs):
        for rows in batches([len(one) for one in ids]):
            loss = model(**collate(ids, rows), labels=labels[rows]).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        seconds = time.monotonic() - began
        print(f"epoch {epoch + 1}/{epochs}: loss {loss.item():.3f}, {seconds:.1f} s, "
              f"{(epoch + 1) * len(ids) / seconds:.1f} sentences/s", flush=True)

    model.eval()
    texts, truth = read(folder / "test.csv")
    ids = tokenizer(texts, truncation=True, max_length=MAX_LENGTH)["input_ids"]
    said = []
    with torch.no_grad():
        for start in range(0, len(ids), 64):
            rows = range(start, min(start + 64, len(ids)))
            said += [names[i] for i in model(**collate(ids, rows)).logits.argmax(-1).tolist()]
    print(f"transformers {transformers.__version__}, torch {torch.__version__}, "
          f"{torch.get_num_threads()} threads: macro F1 {f1_score(truth, said, average='macro'):.4f}, "
          f"accuracy {accuracy_score(truth, said):.4f}")


if __name__ == "__main__":
    main()
