"""The peer's half of `make bench-families` (families.py drives both): the network of
environment/golden/netml.py, of torch's own layers.

    peer_families.py FLOWS CHECKPOINT FOLDER

answers each line `choose`, `encode`, `read` or `write` on standard input.
"""

import gzip
import json
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
import netml  # noqa: E402

BATCH_SIZES = (256, 1024, 4096)
TRIED = 8192


def flows_of(path: str) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def encoded(encoder: netml.Encoder, series: torch.Tensor, numbers: torch.Tensor,
            size: int) -> torch.Tensor:
    with torch.inference_mode():
        return torch.cat([encoder(series[at:at + size], numbers[at:at + size])[1]
                          for at in range(0, len(series), size)])


def main() -> None:
    path, checkpoint, folder = sys.argv[1:]
    series, numbers, _, _ = netml.inputs(flows_of(path))
    encoder = netml.Encoder().eval()
    encoder.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    say({"threads": torch.get_num_threads(), "python": sys.version.split()[0],
         "torch": torch.__version__, "flows": len(series)})
    size = BATCH_SIZES[0]
    for line in sys.stdin:
        began = time.perf_counter()
        if line.strip() == "choose":
            seconds = {}
            for size in BATCH_SIZES:
                began = time.perf_counter()
                encoded(encoder, series[:TRIED], numbers[:TRIED], size)
                seconds[size] = time.perf_counter() - began
            size = min(seconds, key=seconds.__getitem__)
            say({"batch_size": size, "seconds": seconds})
        elif line.strip() == "encode":
            encoded(encoder, series, numbers, size)
            say({"seconds": time.perf_counter() - began})
        elif line.strip() == "read":
            flows_of(path)
            say({"seconds": time.perf_counter() - began})
        elif line.strip() == "write":
            file = Path(folder) / "peer.logits"
            file.write_bytes(encoded(encoder, series, numbers, size).numpy().tobytes())
            say({"file": str(file)})
        else:
            raise SystemExit(f"error: {line.strip()!r}: known: choose, encode, read, write")


def say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
