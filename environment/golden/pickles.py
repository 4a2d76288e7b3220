"""Golden files for the reader of pytorch_model.bin in ttp-lib/crates/model/src/pretrained/.

    python -m venv golden && golden/bin/pip install torch==2.4.0 'numpy<2.3'
    golden/bin/python environment/golden/pickles.py > ttp-lib/tests/golden/pickles.json

Each file is a few hundred bytes that torch.save wrote, in hexadecimal, beside the numbers
that torch.load reads back from it. The malicious ones are never loaded: their numbers
are not there.
"""

import collections
import io
import json
import os
import sys
import zipfile

import torch


class Malicious:
    """What a pickle can be: a call. This one would only print its own name."""

    def __reduce__(self):
        return os.system, ("echo malicious",)


def numbers(*shape):
    return torch.arange(1, 1 + torch.Size(shape).numel(), dtype=torch.float32).view(shape) / 4


def cases():
    """Name, dictionary of tensors, further arguments of torch.save."""
    two = collections.OrderedDict(a=numbers(2, 3), b=numbers(2))
    old = {"_use_new_zipfile_serialization": False}
    yield "zip", two, {}
    yield "legacy", two, old
    yield "zip_protocol_4", two, {"pickle_protocol": 4}
    yield "legacy_protocol_4", two, {"pickle_protocol": 4, **old}
    yield "half", {"a": numbers(2, 3).half()}, {}
    yield "bfloat16", {"a": numbers(2, 3).bfloat16()}, {}
    yield "double", {"a": numbers(2, 3).double()}, old
    shared = numbers(2, 3)
    for name, kind in (("tied", {}), ("legacy_tied", old)):
        yield name, {"a": shared, "b": shared, "c": shared[1]}, kind
    for name, kind in (("transposed", {}), ("legacy_transposed", old)):
        yield name, {"a": numbers(3, 2).t(), "b": numbers(2, 4)[:, 1:3]}, kind
    yield "parameters", {"a": torch.nn.Parameter(numbers(2))}, {}
    module = torch.nn.Linear(2, 1)
    with torch.no_grad():
        module.weight.copy_(numbers(1, 2))
        module.bias.copy_(numbers(1))
    yield "module", module.state_dict(), {}
    yield "scalar_and_empty", {"a": torch.tensor(1.5), "b": torch.zeros(0, 3)}, {}
    yield "integers", {"a": torch.arange(3)}, {}
    yield "malicious", {"a": numbers(2), "b": Malicious()}, {}
    yield "legacy_malicious", {"a": numbers(2), "b": Malicious()}, old
    yield "no_tensor", {"a": numbers(2), "epoch": 3}, {}
    yield "list", [numbers(2)], {}


def deflated(data):
    """The same archive, compressed: torch does not write it, and reads it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, \
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def expected(name, data):
    """Shape and numbers of each tensor, or None where there is not one for each name."""
    if "malicious" in name:
        return None
    tensors = torch.load(io.BytesIO(data), weights_only=False)
    if not isinstance(tensors, dict) or not all(map(torch.is_tensor, tensors.values())):
        return None
    return {name: {"shape": list(t.shape), "numbers": t.detach().double().flatten().tolist()}
            for name, t in tensors.items()}


def main():
    files = {}
    for name, tensors, arguments in cases():
        out = io.BytesIO()
        torch.save(tensors, out, **arguments)
        files[name] = out.getvalue()
    files["deflated"] = deflated(files["zip"])
    json.dump({
        "made_by": f"torch {torch.__version__}",
        "files": {name: {"hex": data.hex(), "tensors": expected(name, data)}
                  for name, data in files.items()},
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
