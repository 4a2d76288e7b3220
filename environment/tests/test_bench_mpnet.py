"""The race of `make bench-mpnet`: what is computed around it. The race itself takes minutes."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from bench import mpnet, peer_python, race

# Both halves. Ours answers in a half of the peer's time.
PROGRAM = """\
#!{python}
import json, sys
ours, last = not sys.argv[1].endswith(".py"), sys.argv[-1]
if last == "choose":
    print(json.dumps({{"rows": 16, "adamw": "fused", "seconds": {{}}}}))
elif last == "cosines":
    print(json.dumps({{"cosines": [0.5, {saved}]}}))
else:
    print(json.dumps({{"threads": 1, "sentence_transformers": "5", "transformers": "4",
                      "torch": "2", "rows": 16, "adamw": "fused"}}), flush=True)
    for line in sys.stdin:
        answer = {{"seconds": 1.0 if ours else 2.0, "losses": []}}
        if line == "cosines\\n":
            answer = {{"cosines": [0.5, 0.25 if ours else {cosine}]}}
        if line.startswith("loss"):
            answer = {{"loss": 1.0 if ours else {loss}}}
        if line == "save\\n":
            answer = {{"folder": "trained"}}
        print(json.dumps(answer), flush=True)
"""
PAIRS = [{"sentence1": f"first {at}", "sentence2": f"second {at}", "label": 1.0} for at in range(200)]


class Mpnet(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "config.json").write_text("{}", encoding="utf-8")
        report = self.folder / mpnet.REPORT
        report.mkdir()
        for name, pairs in (("combined_train.json", PAIRS), ("combined_test.json", PAIRS[:3])):
            (report / name).write_text(json.dumps(pairs), encoding="utf-8")

    def raced(self, rounds: int = 2, cosine: float = 0.25, loss: float = 1.0, saved: float = 0.25,
              **patched) -> "tuple[int, str]":
        program = self.folder / "program"
        program.write_text(PROGRAM.format(python=sys.executable, cosine=cosine, loss=loss,
                                          saved=saved), encoding="utf-8")
        program.chmod(0o755)
        peer = self.folder / "peer.py"
        peer.write_text(program.read_text(encoding="utf-8"), encoding="utf-8")
        # The first argument of the peer's program is its own name.
        python = self.folder / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$1" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        arguments = argparse.Namespace(rounds=rounds, steps=2, threads=1)
        said = io.StringIO()
        with mock.patch.multiple(mpnet, **{"FOLDER": self.folder, "MODEL": self.folder, "PEER": peer,
                                           **patched}), \
                mock.patch.object(race, "built_example", return_value=program), \
                mock.patch.object(peer_python, "python", return_value=python), \
                mock.patch.dict(os.environ, {"TTP_SOURCES": str(self.folder)}), \
                contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = race.finish(lambda: mpnet.both(arguments), self.folder, "results.json", mpnet.table)
        return code, said.getvalue()

    def test_the_race_from_its_task_to_its_table(self) -> None:
        code, said = self.raced()
        self.assertEqual(code, 0, said)
        results = json.loads((self.folder / "results.json").read_text(encoding="utf-8"))
        self.assertEqual((results["ratio"], results["training_ratio"]), (0.5, 0.5))
        self.assertEqual(results["sentences"], 6)
        self.assertIn("processor", results["machine"])
        self.assertEqual(len(results["rounds"]["ours"]), 2)
        task = json.loads((self.folder / "sentences.json").read_text(encoding="utf-8"))
        self.assertEqual(task["sentences"][:3], ["first 0", "second 0", "first 1"])
        self.assertEqual(len(task["pairs"]), 5 * 32)
        self.assertRegex(said, r"\nembedding +peer +2\.00 \(2\.00 to 2\.00\) +0\.500 \(0\.500 to 0\.500\)")
        self.assertRegex(said, r"\ntraining +ours +0\.50 \(0\.50 to 0\.50\)")

    def test_both_must_do_the_same(self) -> None:
        for changed, line in (({"cosine": 0.26}, "not the same vectors: similarities differ by 1.0e-02"),
                              ({"loss": 1.1}, "not the same start: loss 1.00000 of ours, 1.10000"),
                              ({"saved": 0.2}, "not the model that was saved: similarities differ")):
            code, said = self.raced(**changed)
            self.assertEqual(code, 1)
            self.assertIn(f"error: {line}", said)

    def test_what_is_not_there_is_one_line(self) -> None:
        for patched, line in (({"MODEL": self.folder / "none"}, "is not there: make data-mpnet"),
                              ({"REPORT": "none"}, "none/combined_train.json is in neither TTP_SOURCES")):
            code, said = self.raced(**patched)
            self.assertEqual(code, 1)
            self.assertRegex(said, rf"^error: .*{line}")
        code, said = self.raced(rounds=4)
        self.assertIn("error: 9 steps need 288 pairs, and there are 200", said)


if __name__ == "__main__":
    unittest.main()
