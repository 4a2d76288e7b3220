"""The races against transformers, sentence-transformers and mlscorecheck: what is computed
around them, and the libraries that stand for CUDA. The races themselves take minutes and
gigabytes: `make bench-train`, `make bench-mining`, `make bench-audit`, `make bench-classify`,
`make bench-families` and `make bench-wait`."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import io
import itertools
import json
import os
import re
import struct
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import project
from bench import audit, classify, families, mining, peer_python, race, train, wait
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

# Both halves of a mining, which count their own turns. Of the peer's arguments the first is
# the folder.
MINING = """\
#!{python}
import json, pathlib, sys
if sys.argv[1] == "prepare":
    pathlib.Path(sys.argv[2], "sentences.json").write_text('{{"sentences": ["a", "b"]}}')
    sys.exit()
print(json.dumps({{"arguments": sys.argv[1:], "sentence_transformers": "5", "torch": "2"}}), flush=True)
for turn, line in enumerate(sys.stdin):
    print(json.dumps({{"seconds": [9, 1, 3][turn], "mined": 2}}), flush=True)
"""

# Both halves of an audit. Of the sets every third can be true: audit.OFF.
AUDIT = """\
#!{python}
import json, sys
print(json.dumps({{"mlscorecheck": "1", "python": "3"}}), flush=True)
seconds, reading = {seconds}
for line in sys.stdin:
    word, place, times = line.split()
    if word == "documents":
        print(json.dumps({{"seconds": 3.0, "claims": 7}}), flush=True)
        continue
    possible = int(place) % 3 == 0
    print(json.dumps({{"seconds": seconds, "possible": possible, "matrices": {matrices},
                      **({{"reading_seconds": reading}} if reading else {{}})}}), flush=True)
"""

# Both halves of a race of encoders: two flows, whose first output is the highest.
FAMILIES = """\
#!{python}
import json, pathlib, struct, sys
print(json.dumps({{"threads": 1, "flows": 2, "distinct_counts": 1, "torch": "2"}}), flush=True)
for line in sys.stdin:
    if line == "write\\n":
        file = pathlib.Path(sys.argv[3], "logits")
        file.write_bytes(struct.pack("<42f", *([1.0] + [0.0] * 20) * 2))
        print(json.dumps({{"file": str(file)}}), flush=True)
    elif line == "choose\\n":
        print(json.dumps({{"batch_size": 8, "seconds": {{"8": 1}}}}), flush=True)
    else:
        print(json.dumps({{"seconds": 2.0 if line == "encode\\n" else 0.5}}), flush=True)
"""

# Everything of a race of classifiers: what writes the sentences, ours and the peer, which
# finds the second sentence's two techniques equally probable.
CLASSIFY = """\
#!{python}
import json, pathlib, sys
first = sys.argv[1]
if first == "classify":
    for line in open(sys.argv[3]) if sys.argv[3:] else sys.stdin:
        print("T1\\t0.500\\t" + line, end="", flush=True)
elif first == "race":
    print(json.dumps({{"torch": "2", "transformers": "4"}}), flush=True)
    for line in sys.stdin:
        if line.startswith("choose"):
            variants = {{"given": {{"variant": "8 sdpa"}}, "sorted": {{"variant": "32 eager"}}}}
            print(json.dumps(variants), flush=True)
            continue
        print(json.dumps({{"seconds": 1000 if line == "given\\n" else 500, "scores": [{score}] * 1500,
                          "labels": ["T1", "T2"] + ["T1"] * 1498}}), flush=True)
elif first == "whole":
    print(*sys.argv[2:])
else:
    text = "".join(f"sentence {{n}}\\n" for n in range(int(sys.argv[2])))
    pathlib.Path(first, "sentences.txt").write_text(text)
"""


class Program:
    """Stands for a mining's program, and writes down whose turn it was."""

    def __init__(self, name: str, mined: list[int], turns: list[str]) -> None:
        self.name, self.mined, self.turns = name, mined, turns
        self.slices: list[dict] = []

    def ask(self, line: str) -> dict:
        self.turns.append(f"{self.name} {line}")
        return {"seconds": 1.0, "mined": self.mined.pop(0)}

    watched = ask


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
                                  [(1, 1), (8, 1), (3, 1)], [(0.5, 8), (2, 8), (2, 8)])]
        for runner, name in zip(runners, ("ours", "peer", "padded", "products")):
            runner.name = name
        summary = train.summary(runners, 1000)
        self.assertEqual(summary["ours_over"]["peer"], {"median": 0.75, "least": 0.5, "most": 1.0})
        self.assertEqual(summary["ours_over"]["padded"]["median"], 0.125)
        self.assertEqual(summary["ours_over"]["products"]["most"], 2.0)
        self.assertEqual(summary["epoch_seconds"],
                         {"ours": 375, "peer": 500, "padded": 3000, "products": 250})
        self.assertEqual(summary["processor_seconds_a_sentence"]["padded"], 8)

    def test_losses_without_dropout_are_compared_step_by_step(self) -> None:
        runners = [mock.Mock(), mock.Mock()]
        for runner, name, losses in zip(runners, ("ours", "peer"), ([3.0, 2.0], [3.0, 2.5])):
            runner.name = name
            runner.train.return_value = {"losses": losses}
        same = train.without_dropout(*runners, 2)
        self.assertEqual(same, {"steps": 2, "largest_difference": 0.5,
                                "last": {"ours": 2.0, "peer": 2.5}})

    def test_operations_of_a_row(self) -> None:
        # Four matrices of 2 × 2 and two of 2 × 4; every token with each of five, twice.
        config = {"hidden_size": 2, "intermediate_size": 4, "num_hidden_layers": 1}
        self.assertEqual(train.operations(config, 5), 6 * 5 * (32 + 20))

    def test_a_program_that_ends_is_one_line(self) -> None:
        runner = train.Runner("peer", [sys.executable, "-c", ANSWERS], dict(os.environ))
        self.addCleanup(runner.stop)
        self.assertEqual(runner.about, {"threads": 1})
        self.assertEqual(runner.loss(2), 0.5)
        with self.assertRaisesRegex(Problem, r"^peer ended \(status 3\)"):
            runner.train(range(2))

    def test_an_old_or_a_new_python_is_told_which_to_take(self) -> None:
        for version in ((3, 9, 0), (3, 13, 0)):
            with mock.patch.object(sys, "version_info", version):
                with self.assertRaisesRegex(Problem, "give make PYTHON=python3.12$"):
                    peer_python.python()


KERNEL_SAYS = ["set-up: python done in 12 s", "kernel: ready after 30 s"]
NOTEBOOK_SAYS = ["01_corpus  (profile smoke)", "  1/3  :dep ttp-lib  4.1 s", "  2/3  The rule",
                 "         a line of its own", "         2.0 s", "  3/3  What we saw  1.0 s",
                 "  done in 8.0 s"]
REPRODUCE_SAYS = ["01_corpus is up to date", "06_finetune.minilm  (profile smoke)",
                  "  done in 20.5 s", "07_comparison  (profile smoke)", "  done in 4.5 s"]


class Wait(unittest.TestCase):
    """With a clone whose `make` only says what the real one says."""

    def measured(self, first_cell: bool = False) -> dict:
        says = {"kernel": (KERNEL_SAYS, 100.0), "notebook": (NOTEBOOK_SAYS, 9.0),
                "reproduce": (REPRODUCE_SAYS, 26.0)}

        class Clone:
            def __init__(self, *_) -> None:
                pass

            def make(self, arguments, profile, line) -> float:
                lines, seconds = says[arguments[0]]
                for text in lines:
                    line(text)
                return seconds

            def disk(self) -> dict:
                return {"clone_bytes": 1}

        arguments = mock.Mock(cold=False, profile="smoke", first_cell=first_cell)
        # Each look at the clock is a second later: the notebook's `make` begins at the first.
        with mock.patch.object(wait, "Clone", Clone), \
                mock.patch.object(wait.time, "monotonic", side_effect=itertools.count().__next__):
            return wait.measure("abc", arguments, Path("nowhere"))

    def test_cells_and_notebooks_are_read_from_what_make_says(self) -> None:
        found = self.measured()
        self.assertEqual(found["setup_steps_seconds"], {"python": 12})
        self.assertEqual((found["notebook_first_cell_seconds"],
                          found["notebook_second_cell_seconds"],
                          found["notebook_last_cell_seconds"]), (1, 2, 3))
        self.assertEqual(found["first_cell_seconds"], 101)
        self.assertEqual(found["notebooks_seconds"],
                         {"01_corpus": 9.0, "06_finetune.minilm": 20.5, "07_comparison": 4.5})
        self.assertEqual((found["reproduce_seconds"], found["all_seconds"]), (35.0, 135.0))
        self.assertNotIn("all_seconds", self.measured(first_cell=True))

    def test_a_notebook_that_says_nothing_is_one_line(self) -> None:
        with mock.patch.object(sys.modules[__name__], "NOTEBOOK_SAYS", []):
            with self.assertRaisesRegex(Problem, "nothing of three cells"):
                self.measured()

    def test_ratios_are_of_what_both_commits_took(self) -> None:
        old, new = {"all_seconds": 10.0, "disk": {}}, {"all_seconds": 4.0, "disk": {}}
        arguments = mock.Mock(against="old", keep=False, folder=None, profile="laptop",
                              cold=True, first_cell=False)
        with mock.patch.object(wait, "measure", side_effect=[old, new]):
            results = wait.run(arguments)
        self.assertEqual((results["ratio"], results["ratios"]), (0.4, {"all_seconds": 0.4}))


class Mining(unittest.TestCase):
    def in_turns(self, ours: list[int], peer: list[int], sentences: int) -> tuple[dict, list[str]]:
        turns: list[str] = []
        programs = [Program("ours", ours, turns), Program("peer", peer, turns)]
        rounds = len(ours) - mining.WARM_ROUNDS
        with contextlib.redirect_stdout(io.StringIO()):
            found = mining.in_turns(programs, rounds, sentences)
        self.assertEqual([len(program.slices) for program in programs], [rounds, rounds])
        return found, [turn.split()[0] for turn in turns]

    def test_every_other_round_goes_the_other_way_round(self) -> None:
        # What the first time finds does not count.
        found, turns = self.in_turns([0, 8, 8, 8], [5, 8, 8, 8], 10)
        self.assertEqual(found, {"ours": 8, "peer": 8})
        self.assertEqual(turns, ["ours", "peer"] + ["ours", "peer", "peer", "ours", "ours", "peer"])

    def test_both_must_find_as_many(self) -> None:
        found, _ = self.in_turns([1, 900], [1, 901], 1000)
        self.assertEqual(found, {"ours": 900, "peer": 901})
        with self.assertRaisesRegex(Problem, "not the same task: 900 negatives of ours, 902 of"):
            self.in_turns([1, 900], [1, 902], 1000)
        with self.assertRaisesRegex(Problem, "^peer does not find the same number every time"):
            self.in_turns([1, 900, 900], [1, 900, 901], 1000)
        with self.assertRaisesRegex(Problem, "no negative was found for any of 1,000 sentences"):
            self.in_turns([0, 0], [0, 0], 1000)

    def test_a_ratio_is_taken_within_its_round(self) -> None:
        runners = [mock.Mock(slices=[{"seconds": s, "processor_seconds": 2 * s} for s in seconds])
                   for seconds in ([1, 4, 3], [2, 4, 4])]
        for runner, name in zip(runners, ("ours", "peer")):
            runner.name = name
        summary = mining.summary(runners)
        self.assertEqual(summary["ratio"], 0.75)
        self.assertEqual(summary["ours_over_peer"], {"median": 0.75, "least": 0.5, "most": 1.0})
        self.assertEqual(summary["seconds"]["ours"], {"median": 3, "least": 1, "most": 4})
        self.assertEqual(summary["processor_seconds"]["peer"]["median"], 8)

    def test_a_whole_race_of_programs_that_do_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            program = folder / "program"
            program.write_text(MINING.format(python=sys.executable), encoding="utf-8")
            program.chmod(0o755)
            (folder / "config.json").write_text("{}", encoding="utf-8")
            arguments = argparse.Namespace(rounds=2, threads=1)
            shown = io.StringIO()
            with mock.patch.multiple(mining, FOLDER=folder, MODEL=folder, PEER=program), \
                    mock.patch.object(race, "built_example", return_value=program), \
                    mock.patch.object(peer_python, "python", return_value=Path(sys.executable)), \
                    contextlib.redirect_stdout(shown):
                code = race.finish(lambda: mining.both(arguments), folder, "results.json",
                                   mining.table)
            self.assertEqual(code, 0, shown.getvalue())
            results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
            self.assertEqual(results["ours"]["arguments"], ["race", name])
            self.assertEqual(results["peer"]["arguments"], [name, name])
            self.assertEqual(results["seconds"]["ours"], {"median": 2, "least": 1, "most": 3})
            self.assertEqual([part["seconds"] for part in results["rounds"]["peer"]], [1, 3])
            self.assertEqual((results["sentences"], results["mined"]), (2, {"ours": 2, "peer": 2}))
            table = shown.getvalue()
            self.assertRegex(table, r"\npeer +2\.000 \(1\.000 to 3\.000\) +1\.000 \(1\.000 to 1\.000\)")
            self.assertIn("2 sentences, each against all; 1 threads", table)

    def test_without_the_peers_model_it_is_one_line(self) -> None:
        arguments, said = argparse.Namespace(rounds=1, threads=1), io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(said), \
                mock.patch.object(mining, "MODEL", Path(folder)):
            code = race.finish(lambda: mining.both(arguments), Path(folder), "results.json",
                               mining.table)
            self.assertEqual((code, list(Path(folder).iterdir())), (1, []))
        self.assertRegex(said.getvalue(), r"^error: .* is not there: TTP_PROFILE=laptop make data\n$")


class Audit(unittest.TestCase):
    def test_scores_are_printed_with_their_decimals_and_one_is_off(self) -> None:
        # 24 of 30, 59 of 70, 83 of 100; F1 48/65.
        self.assertEqual(audit.printed((24, 6, 11, 59), 3, "", 0),
                         {"accuracy": "0.830", "recall": "0.800", "specificity": "0.843", "f1": "0.738"})
        self.assertEqual(audit.printed((24, 6, 11, 59), 4, "f1", 3)["f1"], "0.7388")

    def test_both_get_the_same_figures(self) -> None:
        sets = audit.claim_sets()
        raced = [one for one in sets if "testset" in one]
        self.assertEqual(sets[:len(raced)], raced, "those of ours alone come last")
        self.assertLess(len(raced), len(sets))
        self.assertEqual({one["testset"]["p"] + one["testset"]["n"] for one in raced},
                         {100, 1000, 10_000})
        self.assertEqual(len({one["name"] for one in sets}), len(sets))
        for one in raced:
            figures = re.findall(r'value = "([0-9.]+)"', one["claims"])
            self.assertEqual([float(figure) for figure in figures], list(one["scores"].values()))
            decimals = {len(figure.partition(".")[2]) for figure in figures}
            self.assertEqual({0.5 * 10 ** -d for d in decimals}, {one["eps"]})
            self.assertIn(f"positive = {one['testset']['p']}\n", one["claims"])
            self.assertEqual(one["possible"], " off" not in one["name"])

    def test_a_slice_is_long_enough_and_not_endless(self) -> None:
        self.assertEqual([audit.enough(s) for s in (0, 1e-3, 0.03, 7)],
                         [audit.MOST_TIMES, 100, 4, 1])

    def test_ratios_are_taken_within_a_round_and_of_the_sums(self) -> None:
        rows = [{"ours": [1, 4, 3], "peer": [10, 10, 10], "reading": [1, 1, 1]},
                {"ours": [1, 2, 1], "peer": [10, 10, 30], "reading": [1, 1, 1]}]
        found = audit.summary(rows)
        self.assertEqual(rows[0]["ours_over_peer"], {"median": 0.3, "least": 0.1, "most": 0.4})
        self.assertEqual(found["ours_over_peer"], {"median": 0.1, "least": 0.1, "most": 0.3})
        self.assertEqual(found["with_reading_over_peer"], {"median": 0.2, "least": 0.15, "most": 0.4})
        self.assertEqual(found["slowest_seconds"], 4)

    def whole(self, folder: Path, peers_matrices: str) -> tuple[int, str, str]:
        programs = {}
        for name, seconds, matrices in (("ours", "(0.002, 0.001)", "int(possible)"),
                                        ("peer", "(0.008, 0)", peers_matrices)):
            programs[name] = folder / f"{name}.py"
            programs[name].write_text(AUDIT.format(python=sys.executable, seconds=seconds,
                                                   matrices=matrices), encoding="utf-8")
            programs[name].chmod(0o755)
        shown, said = io.StringIO(), io.StringIO()
        with mock.patch.multiple(audit, FOLDER=folder, PEER=programs["peer"]), \
                mock.patch.object(race, "built_example", return_value=programs["ours"]), \
                mock.patch.object(peer_python, "python", return_value=Path(sys.executable)), \
                contextlib.redirect_stdout(shown), contextlib.redirect_stderr(said):
            code = race.finish(lambda: audit.both(argparse.Namespace(rounds=3)), folder,
                               "results.json", audit.table)
        return code, shown.getvalue(), said.getvalue()

    def test_a_whole_race_of_programs_that_do_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            code, shown, said = self.whole(folder, "int(possible)")
            self.assertEqual((code, said), (0, ""))
            results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
            self.assertEqual((results["ratio"], results["ours_over_peer"]["median"]), (0.25, 0.25))
            self.assertAlmostEqual(results["with_reading_over_peer"]["median"], 0.375)
            self.assertEqual(len(results["sets"]) + len(results["alone"]), len(audit.claim_sets()))
            self.assertEqual({len(row["ours"]) for row in results["sets"]}, {3})
            self.assertEqual(results["documents"]["claims"], 7)
            self.assertRegex(shown, r"\n100 examples, 30 positive, 3 decimals +2\.000 +1\.000 +8\.000 +0\.250")
            self.assertIn("the three documents, 7 claims: 3.00 (3.00 to 3.00) s", shown)

    def test_both_must_find_as_many_matrices(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            code, _, said = self.whole(Path(name), "2")
            self.assertEqual((code, Path(name, "results.json").exists()), (1, False))
            self.assertRegex(said, "^error: 100 examples, .*: not the same answer: .*\n$")


class Classify(unittest.TestCase):
    def test_answers_may_differ_in_the_last_digits_only(self) -> None:
        ours = ["T1\t0.512\ta\n", "T2\t0.250\tb\tc\n"] + 1998 * ["T1\t1.000\td\n"]
        peer = [("T1", 0.5124), ("T3", 0.2496)] + 1998 * [("T1", 0.9999)]
        sentences = 2000 * ["a"]
        self.assertEqual(classify.compare("peer", sentences, ours, peer), 1)
        peer[2:4] = 2 * [("T9", 1.0)]
        with self.assertRaisesRegex(Problem, "^not the same task: 3 of 2,000 sentences have .* of peer"):
            classify.compare("peer", sentences, ours, peer)
        peer[1] = ("T2", 0.2515)
        with self.assertRaisesRegex(Problem, "sentence 2: T2 0.250 of ours, T2 0.2515 of peer$"):
            classify.compare("peer", sentences, ours, peer)
        with self.assertRaisesRegex(Problem, "^2,000 sentences, 2,000 answers of ours, 1,999 of peer"):
            classify.compare("peer", sentences, ours, peer[1:])

    def test_a_ratio_is_taken_within_its_round(self) -> None:
        slices = {name: [{"seconds": s, "processor_seconds": 2 * s} for s in seconds]
                  for name, seconds in (("ours", [1, 4, 3]), ("peer", [2, 4, 4]), ("sorted", [1, 8, 3]))}
        summary = classify.summary(slices)
        self.assertEqual((summary["ratio"], summary["ratio_sorted"]), (0.75, 1.0))
        self.assertEqual(summary["ours_over"]["peer"], {"median": 0.75, "least": 0.5, "most": 1.0})
        self.assertEqual(summary["processor_seconds"]["sorted"]["median"], 6)

    def whole(self, folder: Path, score: float) -> tuple[int, str, str]:
        program = folder / "program.py"
        program.write_text(CLASSIFY.format(python=sys.executable, score=score), encoding="utf-8")
        program.chmod(0o755)
        arguments = argparse.Namespace(rounds=2, threads=1, sentences=1500)
        shown, said = io.StringIO(), io.StringIO()
        with mock.patch.multiple(classify, FOLDER=folder, PEER=program), \
                mock.patch.multiple(race, built_example=lambda name: program,
                                    built_program=lambda name: program), \
                mock.patch.object(peer_python, "python", return_value=Path(sys.executable)), \
                contextlib.redirect_stdout(shown), contextlib.redirect_stderr(said):
            code = race.finish(lambda: classify.both(arguments), folder, "results.json",
                               classify.table)
        return code, shown.getvalue(), said.getvalue()

    def test_a_whole_race_of_programs_that_do_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            code, shown, said = self.whole(folder, 0.5)
            self.assertEqual((code, said), (0, ""))
            results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
            ours = [part["seconds"] for part in results["rounds"]["ours"]]
            self.assertEqual(len(ours), 2)
            self.assertAlmostEqual(results["ratio"], sum(ours) / 2000)
            self.assertAlmostEqual(results["ratio_sorted"], sum(ours) / 1000)
            self.assertEqual(results["otherwise"], {"peer": 1, "sorted": 1})
            self.assertEqual(results["sentences"], 1500)
            self.assertIn("processor", results["machine"])
            # The best variant runs as a whole process, too.
            self.assertEqual((folder / "peer.tsv").read_text(), f"{name} 8 sdpa\n")
            answers = (folder / "ours.tsv").read_text().splitlines()
            self.assertEqual((len(answers), answers[-1]), (1500, "T1\t0.500\tsentence 1499"))
            self.assertRegex(shown, r"\npeer +1000\.00 \(1000\.00 to 1000\.00\) ")
            self.assertIn("attention 8 sdpa (sorted: 32 eager)\n1,500 sentences, 1 threads", shown)

    def test_both_must_give_the_same_answers(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            code, _, said = self.whole(Path(name), 0.51)
            self.assertEqual((code, Path(name, "results.json").exists()), (1, False))
            self.assertRegex(said, "^error: not the same answer to sentence 1: T1 0.500 of ours, "
                                   "T1 0.5100 of peer\n$")

    def test_a_program_that_ends_is_one_line(self) -> None:
        command = [sys.executable, "-c", "input(); print('T1\\t0.5\\tx'); raise SystemExit(3)"]
        ours = classify.Ours(command, dict(os.environ))
        self.addCleanup(ours.stop)
        with self.assertRaisesRegex(Problem, r"^ours ended \(status 3\)"):
            ours.classified(["a", "b"])


@unittest.skipUnless(project.platform_name() == "linux-x86_64", "only where the wheel is CUDA's")
class Families(unittest.TestCase):
    def test_a_whole_race_of_programs_that_do_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            program = folder / "program"
            program.write_text(FAMILIES.format(python=sys.executable), encoding="utf-8")
            program.chmod(0o755)
            arguments = argparse.Namespace(rounds=2, threads=1)
            shown = io.StringIO()
            with mock.patch.multiple(families, FOLDER=folder, PEER=program,
                                     raw=lambda name: folder / name), \
                    mock.patch.object(race, "built_example", return_value=program), \
                    mock.patch.object(peer_python, "python", return_value=Path(sys.executable)), \
                    contextlib.redirect_stdout(shown):
                # The peer's program is Python's own: what it is given first is its script.
                program.write_text(program.read_text().replace("sys.argv[3]", "sys.argv[-1]"))
                code = race.finish(lambda: families.both(arguments), folder, "results.json",
                                   families.table)
            self.assertEqual(code, 0, shown.getvalue())
            results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
            self.assertEqual((results["ratio"], results["read_seconds"]["ours"]["median"]), (1, 0.5))
            self.assertEqual(results["agreement"],
                             {"flows": 2, "logits_differ_by": 0, "predictions_differ": 0})
            self.assertIn("ratio 1.000 (target: at most 1.0); read in 0.50 s", shown.getvalue())

    def test_both_must_give_the_same_answers(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            def written(file: str, logits: list[float]) -> str:
                path = Path(name, file)
                path.write_bytes(struct.pack(f"<{len(logits)}f", *logits))
                return str(path)

            ours = written("ours", [1.0, 0.5] + [0.0] * 19)
            near = written("near", [1.0, 0.5] + [1e-5] * 19)
            self.assertEqual(families.compare(ours, near)["predictions_differ"], 0)
            for other, what in (([1.0, 0.5] + [1e-3] * 19, "logits differ by 1.00e-03"),
                                ([0.5, 1.0] + [0.0] * 19, "1 predictions are others"),
                                ([1.0] * 42, "21 logits of ours, 42 of the peer's")):
                with self.assertRaisesRegex(Problem, what):
                    families.compare(ours, written("other", other))


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
