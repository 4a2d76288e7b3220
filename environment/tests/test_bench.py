"""The race against transformers: what is computed around it, and the libraries that
stand for CUDA. The race itself takes minutes and a gigabyte: `make bench-train`."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import project
from bench import peer_python, train
from project import Problem
from tests.support import House

ANSWERS = """\
import sys
print('{"threads": 1}', flush=True)
for line in sys.stdin:
    if line == "loss 2\\n":
        print('{"loss": 0.5}', flush=True)
    else:
        sys.exit(3)
"""


class Race(unittest.TestCase):
    def test_the_parts_are_all_steps_in_order(self) -> None:
        cut = train.parts(range(5, 229), 8)
        self.assertEqual([step for part in cut for step in part], list(range(5, 229)))
        self.assertEqual({len(part) for part in cut}, {28})
        self.assertEqual(sorted(len(part) for part in train.parts(range(10), 4)), [2, 2, 3, 3])
        with self.assertRaisesRegex(Problem, "3 steps cannot be cut into 4 rounds"):
            train.parts(range(3), 4)

    def test_a_ratio_is_taken_within_its_round(self) -> None:
        runners = [mock.Mock(slices=[
            {"seconds": s, "rows": r, "processor_seconds": 2 * s} for s, r in slices])
                   for slices in ([(1, 8), (4, 8), (3, 8)], [(2, 8), (4, 8), (4, 8)],
                                  [(1, 1), (8, 1), (3, 1)])]
        for runner, name in zip(runners, ("ours", "peer", "padded")):
            runner.name = name
        summary = train.summary(runners, 1000)
        self.assertEqual(summary["ours_over"]["peer"], {"median": 0.75, "least": 0.5, "most": 1.0})
        self.assertEqual(summary["ours_over"]["padded"]["median"], 0.125)
        self.assertEqual(summary["epoch_seconds"], {"ours": 375, "peer": 500, "padded": 3000})
        self.assertEqual(summary["processor_seconds_a_sentence"]["padded"], 8)

    def test_operations_of_a_row(self) -> None:
        # Four matrices of 2 × 2 and two of 2 × 4; every token with each of five, twice.
        config = {"hidden_size": 2, "intermediate_size": 4, "num_hidden_layers": 1}
        self.assertEqual(train.operations(config, 5), 6 * 5 * (32 + 20))

    def test_a_program_that_ends_is_one_line(self) -> None:
        runner = train.Runner("peer", [sys.executable, "-c", ANSWERS], dict(os.environ))
        self.addCleanup(runner.process.stdout.close)
        self.addCleanup(runner.process.stdin.close)
        self.assertEqual(runner.about, {"threads": 1})
        self.assertEqual(runner.loss(2), 0.5)
        with self.assertRaisesRegex(Problem, r"^peer ended \(status 3\)"):
            runner.train(range(2))

    def test_an_old_or_a_new_python_is_told_which_to_take(self) -> None:
        for version in ((3, 9, 0), (3, 13, 0)):
            with mock.patch.object(sys, "version_info", version):
                with self.assertRaisesRegex(Problem, "make bench-train PYTHON=python3.12$"):
                    peer_python.python()


@unittest.skipUnless(project.platform_name() == "linux-x86_64", "only where the wheel is CUDA's")
class Stub(unittest.TestCase):
    def test_its_functions_can_be_called_and_its_types_looked_into(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lib = Path(folder)
            peer_python.link_stub(lib, "libstub.so", {"_Zf", "_Zg", "_ZTI5Shape", "_ZTV5Shape"})
            self.assertEqual([path.name for path in lib.iterdir()], ["libstub.so"])
            names = peer_python.symbols(lib / "libstub.so", "--defined-only")
            self.assertLess({f"{name}@@libstub.so" for name in ("_Zf", "_Zg", "_ZTV5Shape")}, names)
            # Whoever loads it brings the C++ library, as PyTorch does.
            ctypes.CDLL("libstdc++.so.6", mode=ctypes.RTLD_GLOBAL)
            stub = ctypes.CDLL(str(lib / "libstub.so"))
            stub._Zf.restype = ctypes.POINTER(ctypes.c_long)
            self.assertEqual(stub._Zf()[:32], [0] * 32)
            kind, name = (ctypes.c_void_p * 2).in_dll(stub, "_ZTI5Shape")
            self.assertNotEqual(kind, 16)
            self.assertEqual(ctypes.string_at(name), b"5Shape")


class Tf32(House):
    """TF32 is switched on where libtorch has a CUDA half, and can be switched off."""

    SHOW = f"import os; print(os.environ.get({project.TF32!r}))"

    def shown(self, **variables: str) -> str:
        done = self.python("environment/with_libtorch.py", "--release", sys.executable, "-c",
                           self.SHOW, TTP_LIBTORCH=str(self.root / "torch"), **variables)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_only_with_cuda(self) -> None:
        self.variables.pop(project.TF32, None)
        for name in ("include/torch.h", "lib/libtorch_cpu.so"):
            self.write(f"torch/{name}", "")
        self.assertEqual(self.shown(), "None")
        self.write("torch/lib/libtorch_cuda.so", "")
        self.assertEqual(self.shown(), "1")
        self.assertEqual(self.shown(**{project.TF32: "0"}), "0")


if __name__ == "__main__":
    unittest.main()
