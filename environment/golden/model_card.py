"""What huggingface_hub reads from a model card, to ttp-lib/tests/golden/model_card.json.

    python environment/golden/model_card.py          huggingface_hub 0.36.2

The card itself, ttp-lib/tests/golden/model_card.md, is what `ttp_model::card` writes; the test
`model_card::` holds it to that.
"""

import json
from pathlib import Path

from huggingface_hub import ModelCard, __version__

GOLDEN = Path(__file__).resolve().parents[2] / "ttp-lib" / "tests" / "golden"


def main() -> None:
    card = ModelCard.load(GOLDEN / "model_card.md")
    # Scores must be in the form in which the hub shows them.
    results = card.data.eval_results
    assert results and results[0].metric_type == "f1", results
    read = {"huggingface_hub": __version__, **card.data.to_dict()}
    (GOLDEN / "model_card.json").write_text(json.dumps(read, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
