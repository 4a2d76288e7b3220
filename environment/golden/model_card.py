"""What huggingface_hub reads from model cards, to ttp-lib/tests/golden/model_card.json.

    python environment/golden/model_card.py          huggingface_hub 0.36.2

The cards themselves, ttp-lib/tests/golden/model_card*.md, are what `ttp_model::card` writes of a
classifier, a sentence model, a checkpoint with continued pretraining and an encoder of flows; the
test `model_card::` holds them to that.
"""

import json
from pathlib import Path

from huggingface_hub import ModelCard, __version__

GOLDEN = Path(__file__).resolve().parents[2] / "ttp-lib" / "tests" / "golden"


CARDS = {"classifier": "model_card.md", "sentences": "model_card.sentences.md",
         "masked": "model_card.masked.md", "flows": "model_card.flows.md"}


def read(file: str) -> dict:
    card = ModelCard.load(GOLDEN / file)
    # Scores must be in the form in which the hub shows them.
    assert card.data.eval_results, file
    for result in card.data.eval_results:
        assert result.metric_type and result.metric_value is not None, (file, result)
    return card.data.to_dict()


def main() -> None:
    found = {"huggingface_hub": __version__, **{name: read(file) for name, file in CARDS.items()}}
    (GOLDEN / "model_card.json").write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
