"""What Python's transformers says with a model that was fine-tuned here.

    golden/bin/python environment/golden/classify.py models/minilm.clean sentences.txt

Prints technique, probability and sentence, a line each, as `ttp classify` does: the
two outputs can be compared with `diff`. Versions: see encoder.py.
"""

import sys

import torch
import transformers


def main():
    folder, file = sys.argv[1:]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with open(file, encoding="utf-8") as lines, torch.no_grad():
        for line in lines:
            inputs = tokenizer(line.strip(), truncation=True, max_length=512, return_tensors="pt")
            probabilities = model(**inputs).logits.softmax(-1)[0]
            best = int(probabilities.argmax())
            print(model.config.id2label[best], f"{float(probabilities[best]):.3f}", line.strip(),
                  sep="\t")


if __name__ == "__main__":
    main()
