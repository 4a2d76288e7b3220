"""Numbers for the family encoder: the supervised contrastive loss with its gradient, and features
standardised.

    python environment/golden/family.py > ttp-lib/tests/golden/family.json

with torch 2.4.0, pytorch-metric-learning 2.8.1, scikit-learn 1.7.2 and numpy 2.2.6. The loss is
pytorch-metric-learning's class in double precision; a plain numpy formula must agree with it.
The library leaves out of the mean every anchor of loss 0, and gives 0 for a batch of one class:
in these cases only anchors without another row of their class are left out.
"""

import json

import numpy as np
import pytorch_metric_learning
import sklearn
import torch
from pytorch_metric_learning.losses import SupConLoss
from sklearn.preprocessing import StandardScaler


def numbers(rows, columns, step):
    """Numbers between -1 and 1 by a formula: there is no chance in them."""
    places = np.arange(1, rows * columns + 1, dtype=np.float64)
    return np.sin(step * places * places).reshape(rows, columns)


def formula(vectors, labels, temperature):
    """Khosla et al. (2020), L_out, anchor by anchor."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    losses = []
    for i in range(len(labels)):
        others = [a for a in range(len(labels)) if a != i]
        positives = [a for a in others if labels[a] == labels[i]]
        if positives:
            total = sum(np.exp(unit[i] @ unit[a] / temperature) for a in others)
            shares = [np.log(np.exp(unit[i] @ unit[p] / temperature) / total) for p in positives]
            losses.append(-np.mean(shares))
    return float(np.mean(losses))


def contrastive(rows, columns, step, labels, temperature):
    vectors = np.round(1.5 * numbers(rows, columns, step), 4)
    tensor = torch.tensor(vectors, requires_grad=True)
    value = SupConLoss(temperature=temperature)(tensor, torch.tensor(labels))
    value.backward()
    assert abs(value.item() - formula(vectors, labels, temperature)) < 1e-9
    return {"vectors": vectors.tolist(), "labels": labels, "temperature": temperature,
            "value": value.item(), "gradient": tensor.grad.tolist()}


def standardised():
    """One column constant, one with a large mean, one of a small spread."""
    rows = np.round(numbers(12, 4, 0.53), 3)
    rows[:, 1] = 0.1
    rows[:, 2] = 1e7 + 100 * rows[:, 2]
    rows[:, 3] *= 1e-3
    scaler = StandardScaler().fit(rows)
    return {"rows": rows.tolist(), "mean": scaler.mean_.tolist(),
            # scikit-learn leaves a constant feature at 0, too, by a scale of 1.
            "scale": scaler.scale_.tolist(), "transformed": scaler.transform(rows).tolist()}


def main():
    golden = {
        "made_by": f"torch {torch.__version__}, pytorch-metric-learning "
                   f"{pytorch_metric_learning.__version__}, scikit-learn {sklearn.__version__}, "
                   f"numpy {np.__version__}",
        "contrastive": [
            contrastive(6, 5, 0.37, [0, 1, 0, 2, 1, 0], 0.1),
            contrastive(6, 5, 0.37, [0, 1, 0, 2, 1, 0], 1.0),
            contrastive(7, 3, 0.71, [4, 4, 4, 4, 4, 4, 1], 0.5),
            contrastive(8, 4, 0.19, [0, 0, 1, 1, 2, 2, 3, 9], 0.07),
        ],
        "standardised": standardised(),
    }
    print(json.dumps(golden, indent=None, separators=(",", ":")).replace('],"', '],\n"'))


if __name__ == "__main__":
    main()
