"""Numbers for NetML's flows and the published family encoder: how a flow becomes the encoder's
input, and what the encoder says of it.

    python environment/golden/netml.py > ttp-lib/tests/golden/netml.json
    python environment/golden/netml.py FLOWS CHECKPOINT LOGITS.npy

with torch 2.4.0 and numpy 2.2.6. The first has random weights and made-up flows; its weights are
by a formula that the test repeats, so that they need not stand in the file. The second writes the
logits of all flows of a real file, standardised by that file's own mean and deviation, and prints
how often each output is the highest. `make bench-families` compares them with ours.

The network is written down here from its checkpoint's names and shapes with torch's own layers; no
line of the project that published the checkpoint is used.
"""

import gzip
import json
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional

SERIES = ("intervals_ccnt", "pld_ccnt", "hdr_ccnt", "rev_intervals_ccnt", "rev_pld_ccnt",
          "rev_hdr_ccnt", "ack_psh_rst_syn_fin_cnt", "rev_ack_psh_rst_syn_fin_cnt")
NUMBERS = ("pr", "rev_pld_max", "rev_pld_mean", "pld_mean", "pld_median", "pld_distinct",
           "time_length", "bytes_out", "bytes_in", "num_pkts_out", "num_pkts_in", "src_port",
           "dst_port")
LOGARITHMIC = ("bytes_out", "bytes_in", "num_pkts_out", "num_pkts_in", "src_port", "dst_port")
STEPS = 16


class Encoder(nn.Module):
    def __init__(self, classes=21):
        super().__init__()
        self.lstm = nn.LSTM(len(SERIES), 128, num_layers=3, batch_first=True)
        self.attention = nn.MultiheadAttention(128, 4, batch_first=True)
        self.scalar_net = nn.Sequential(
            nn.Linear(len(NUMBERS), 128), nn.ReLU(), nn.BatchNorm1d(128), nn.Identity(),
            nn.Linear(128, 128), nn.ReLU(), nn.BatchNorm1d(128))
        self.scalar_attention = nn.Sequential(nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 1))
        self.projection = nn.Sequential(
            nn.Linear(256, 256), nn.ReLU(), nn.BatchNorm1d(256), nn.Identity(),
            nn.Linear(256, 128), nn.ReLU(), nn.BatchNorm1d(128), nn.Identity(),
            nn.Linear(128, 64))
        self.classifier = nn.Linear(64, classes)

    def forward(self, series, numbers):
        steps, _ = self.lstm(series)
        attended, _ = self.attention(steps, steps, steps, need_weights=False)
        weights = functional.softmax(attended.mean(dim=2), dim=1)
        pooled = (attended * weights.unsqueeze(2)).sum(dim=1)
        # scalar_attention is a softmax over one value, which is always 1.
        joined = torch.cat([pooled, self.scalar_net(numbers)], dim=1)
        embedding = functional.normalize(self.projection(joined), dim=1)
        return embedding, self.classifier(embedding)


def read(flow):
    """A flow's 16 steps of 8 counts, and its numbers before they are standardised."""
    series = np.zeros((STEPS, len(SERIES)), dtype=np.float32)
    for column, name in enumerate(SERIES):
        series[:len(flow[name]), column] = flow[name]
    numbers = [np.log1p(float(flow[name])) if name in LOGARITHMIC else float(flow[name])
               for name in NUMBERS]
    return series, numbers


def inputs(flows):
    read_flows = [read(flow) for flow in flows]
    series = np.stack([series for series, _ in read_flows])
    numbers = np.array([numbers for _, numbers in read_flows], dtype=np.float64)
    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
    scaled = ((numbers - mean) / np.where(deviation == 0, 1, deviation)).astype(np.float32)
    return torch.from_numpy(series), torch.from_numpy(scaled), mean, deviation


def by_formula(name, tensor):
    """Weights without chance: a sine of the place, its step from the name's letters. Variances
    are above 0."""
    step = 0.1 + (sum(name.encode()) % 97) / 50
    places = torch.arange(1, tensor.numel() + 1, dtype=torch.float64)
    values = torch.sin(step * places) * 0.3
    if name.endswith("running_var"):
        values = values.abs() + 0.5
    return values.reshape(tensor.shape).to(torch.float32)


def made_up(number):
    """A flow by a formula: counts and numbers as such files have them."""
    draw = iter(range(1, 10_000))

    def whole(most):
        return int((np.sin(0.37 * number + 1.7 * next(draw)) + 1) / 2 * most)

    flow = {"id": 1000 + number, "sa": "made up", "da": "made up"}
    for name in SERIES:
        length = 5 if "fin" in name else 12 if "hdr" in name else 16
        flow[name] = [whole(9) if whole(9) > 5 else 0 for _ in range(length)]
    flow |= {"pr": (6, 17)[number % 2], "rev_pld_max": whole(1460), "rev_pld_mean": whole(9000) / 8,
             "pld_mean": whole(9000) / 8, "pld_median": whole(1460), "pld_distinct": whole(57),
             "time_length": whole(10 ** 6) / 64, "bytes_out": whole(10 ** 5),
             "bytes_in": whole(10 ** 5), "num_pkts_out": 1 + whole(199), "num_pkts_in": whole(200),
             "src_port": whole(65535), "dst_port": whole(65535)}
    return flow


def golden():
    flows = [made_up(number) for number in range(12)]
    encoder = Encoder().eval()
    state = {name: tensor if name.endswith("num_batches_tracked") else by_formula(name, tensor)
             for name, tensor in encoder.state_dict().items()}
    encoder.load_state_dict(state)
    series, scaled, mean, deviation = inputs(flows)
    with torch.no_grad():
        embedding, logits = encoder(series, scaled)
    # Focal loss (Lin et al. 2017) by its definition, in double precision, with its gradient.
    named = torch.arange(12) % 21
    free = logits.double().clone().requires_grad_(True)
    shares = functional.softmax(free, dim=1)[torch.arange(12), named]
    weights = torch.linspace(0.5, 1.5, 21, dtype=torch.float64)
    focal = (-(1 - shares) ** 2 * torch.log(shares)).mean()
    weighted = (-weights[named] * (1 - shares) ** 2 * torch.log(shares)).mean()
    focal.backward()
    print(json.dumps({
        "made_by": f"torch {torch.__version__}, numpy {np.__version__}",
        "flows": flows, "first_series": series[0].tolist(), "mean": mean.tolist(),
        "deviation": deviation.tolist(), "scaled": scaled.tolist(),
        "shapes": {name: list(tensor.shape) for name, tensor in state.items()},
        "embedding": embedding.tolist(), "logits": logits.tolist(),
        "focal": {"labels": named.tolist(), "value": focal.item(),
                  "class_weights": weights.tolist(), "weighted": weighted.item(),
                  "gradient": free.grad.tolist()},
    }, separators=(",", ":")).replace('],"', '],\n"'))


def real(flows, checkpoint, out):
    opened = gzip.open if flows.endswith(".gz") else open
    with opened(flows, "rt", encoding="utf-8") as file:
        series, scaled, _, _ = inputs([json.loads(line) for line in file])
    encoder = Encoder().eval()
    encoder.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    with torch.no_grad():
        logits = torch.cat([encoder(series[at:at + 1024], scaled[at:at + 1024])[1]
                            for at in range(0, len(series), 1024)])
    np.save(out, logits.numpy())
    highest = logits.topk(2, dim=1).values
    print(json.dumps({
        "flows": len(series),
        "highest": torch.bincount(logits.argmax(dim=1), minlength=21).tolist(),
        "least_lead": (highest[:, 0] - highest[:, 1]).min().item()}))


if __name__ == "__main__":
    real(*sys.argv[1:]) if len(sys.argv) == 4 else golden()
