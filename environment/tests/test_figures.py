"""README's figures: each has a source, and is held against a run's results."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import re
import unittest
from unittest import mock

import figures
import machine
import project
import release
from profiles import Profile
from project import Problem
from tests.support import OutputFolder

LISTED = figures.sources()
README = figures.readme()
RUST = "\n".join(path.read_text(encoding="utf-8") for path in (project.ROOT / "ttp-lib").rglob("src/**/*.rs"))
NOTEBOOKS = "\n".join(path.read_text(encoding="utf-8") for path in project.NOTEBOOKS.glob("*.ipynb"))


def put(found: dict, path: str, value) -> None:
    """Builds what `figures.at` finds there."""
    steps, place = path.split("/"), found
    for step, following in zip(steps, [*steps[1:], ""]):
        empty: object = [] if following.startswith("[") or following.isdigit() else {}
        if step.startswith("["):
            wanted = dict(pair.split("=", 1) for pair in step[1:-1].split(","))
            same = [one for one in place if all(one.get(k) == v for k, v in wanted.items())]
            if not same:
                place.append(dict(wanted))
                same = place[-1:]
            place = same[0]
        elif not following:
            if isinstance(place, list):
                place.insert(int(step), value)
            else:
                place[step] = value
        else:
            place = place.setdefault(step, empty)


def made_up() -> dict:
    """A run's results that have every figure as README prints it."""
    found: dict = {"schema": 1, "profile": "laptop", "commit": "0123456789ab"}
    for figure in figures.of_table(README, LISTED) + figures.of_text(README, LISTED):
        value = figures.as_number(figure.printed) / (100 if figure.percent else 1)
        if not figure.path.startswith("="):
            put(found, figure.path, value)
    for title, one in found["comparison"]["ours"].items():
        one["checkpoint"], one["protocol"] = title.split(", protocol ")
    kinds = (["inconsistent"] * 44, ["undecided"] * 79, ["consistent"] * (345 - 44 - 79))
    told = [{"verdict": kind, "reading": None} for kind in sum(kinds, [])]
    for claim in told[:17]:
        claim["reading"] = "read so"
    found["claims_audit"] = {"documents": [
        {"document": "similarity report", "claims": told[:39]},
        {"document": "family summary", "claims": told[39:]},
        {"document": "family report", "claims": told[:133]}]}
    return found


RESULTS = made_up()


def said(found: dict, same_machine: bool = True, text: str = README) -> figures.Outcome:
    return figures.compare(text, LISTED, found, same_machine)


class Sources(unittest.TestCase):
    def test_every_figure_of_readme_has_a_source(self) -> None:
        self.assertEqual(figures.unexplained(README, LISTED), [])
        self.assertEqual(len(figures.table(README)), 13)

    def test_a_figure_without_a_source_is_named(self) -> None:
        lines = figures.unexplained(README.replace("## Limits", "It has accuracy 0.912.\n\n## Limits"), LISTED)
        self.assertEqual(len(lines), 1)
        self.assertIn("README.md: 0.912 in '", lines[0])

    def test_numbers_of_code_lists_links_and_names_are_no_figures(self) -> None:
        told = figures.prose("1. F1 of v10.1 is `0.5`, AVX-512, [a](b7.md)\n```\n0.9\n```\n−0.1 and 1,234.")
        self.assertEqual([match.group() for match in figures.numbers(told)], ["−0.1", "1,234"])

    def test_a_list_that_readme_has_outgrown(self) -> None:
        for change, words in (({"text": "not there 0.5"}, "0 times"),
                              ({"results": ["a", "b"]}, "holds 1 numbers, and 2 paths"),
                              ({"text": "On the paper's own"}, "holds no number")):
            listed = copy.deepcopy(LISTED)
            listed["figure"][1].update(change)
            self.assertIn(words, "\n".join(figures.unexplained(README, listed)))
        listed = copy.deepcopy(LISTED)
        del listed["other"][0]["command"]
        self.assertIn("needs `from` and `command`", figures.unexplained(README, listed)[0])

    def test_every_path_is_made_of_names_that_notebooks_or_the_library_write(self) -> None:
        """No name is guessed: each stands in a `json!` or is a field of a struct."""
        files = {"comparison", "paper_rows", "evidence", "families", "corpus", "claims_audit"}
        for figure in figures.of_table(README, LISTED) + figures.of_text(README, LISTED):
            for step in [] if figure.path.startswith("=") else figure.path.split("/"):
                if step in files:
                    self.assertTrue(f"results/{step}." in NOTEBOOKS, step)
                elif step.startswith("["):
                    for field in re.findall(r"(\w+)=", step):
                        self.assertRegex(RUST, rf"pub {field}: ", step)
                elif ", protocol " in step:
                    told = 'format!("{}, protocol {}", self.checkpoint, self.protocol.name())'
                    self.assertTrue(told in RUST, step)
                    self.assertIn(f'"{step.partition(",")[0]}"', RUST + json.dumps(json.loads(
                        (project.NOTEBOOKS / "profiles/laptop.json").read_text())["checkpoints"]))
                elif step in ("tfidf-svm.paper", "tfidf-svm.clean"):
                    self.assertTrue('format!("{}.{}", trial.kind.name(), trial.protocol.name())' in RUST, step)
                elif not step.isdigit() and step not in ("minilm", "both", "macro"):
                    written = re.search(rf'\\"{re.escape(step)}\\"', NOTEBOOKS)
                    field = re.search(rf"pub {re.escape(step)}: |\"{re.escape(step)}\": ", RUST)
                    self.assertTrue(written or field, step)
        self.assertTrue('#[serde(rename = "macro")]' in RUST)

    def test_exercises_are_as_many_as_readme_says(self) -> None:
        cells = [cell for path in (project.NOTEBOOKS / "exercises").glob("*.ipynb")
                 for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
        tagged = sum("solution" in cell["metadata"].get("tags", []) for cell in cells)
        self.assertIn(f"writes [{tagged} exercises]", README)


class Compared(unittest.TestCase):
    def test_they_agree(self) -> None:
        outcome = said(RESULTS)
        self.assertEqual(outcome.lines(), ["figures agree with README within half a unit of the last "
                                           "printed digit (188 figures)"])
        self.assertIn(outcome.lines()[0], README, "README shows how a run ends")
        golden = (project.ENVIRONMENT / "golden" / "README.md").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"README's (\d+) figures", golden), [str(outcome.agree)])

    def test_another_digit_of_any_figure_is_named(self) -> None:
        for figure in figures.of_table(README, LISTED) + figures.of_text(README, LISTED):
            if figure.path.startswith("="):
                continue
            found = copy.deepcopy(RESULTS)
            unit = 10 ** -len(figure.printed.partition(".")[2]) / (100 if figure.percent else 1)
            value = figures.at(found, figure.path)
            self.assertEqual(figure.difference(found, same_machine=True), "")
            for sign in (1, -1):
                place, last = figure.path.rsplit("/", 1)
                inner = figures.at(found, place)
                inner[int(last) if isinstance(inner, list) else last] = value + sign * unit
                self.assertTrue(figure.difference(found, same_machine=True), figure.path)

    def test_a_count_of_claims(self) -> None:
        found = copy.deepcopy(RESULTS)
        found["claims_audit"]["documents"][1]["claims"].pop()
        self.assertEqual(said(found).differ,
                         ["'**345 claims of the three documents': README has 345, this run has 344"])

    def test_what_a_run_lacks(self) -> None:
        found = copy.deepcopy(RESULTS)
        del found["corpus"]["rows"]
        self.assertEqual(said(found).differ, ["'(13,057 rows, 38 techniques)': README has 13,057, "
                                              "results.json has no corpus/rows"])
        found = copy.deepcopy(RESULTS)
        del found["paper_rows"]
        found["evidence"]["external"]["attack-v15"] = None
        outcome = said(found)
        self.assertEqual(outcome.differ, [])
        self.assertEqual(outcome.lines()[:2], [
            "not compared: 4 figures, which need attack-v15 (data/sources.toml)",
            "not compared: 7 figures, which need orbinato-mixed (data/sources.toml)"])
        for broken in ({}, {"comparison": []}, {"comparison": {"ours": {"a": 1}}, "claims_audit": 1}):
            if isinstance(broken.get("comparison"), dict) or not broken:
                self.assertTrue(said({"profile": "laptop", **{k: v for k, v in broken.items()
                                                              if k != "comparison"}}).differ)

    def test_a_model_that_readme_does_not_show(self) -> None:
        found = copy.deepcopy(RESULTS)
        found["comparison"]["ours"]["new, protocol clean"] = {
            **found["comparison"]["ours"]["minilm, protocol clean"], "checkpoint": "new"}
        self.assertIn("new, protocol clean: README's table has no such row", said(found).differ)

    def test_on_another_machine_a_training_may_be_a_little_off(self) -> None:
        path = "comparison/ours/{}, protocol clean/f1_macro"
        for checkpoint, off, agrees in (("minilm", 0.03, True), ("minilm", 0.035, False), ("scratch", 0.07, True),
                                        ("scratch", 0.08, False), ("tfidf-svm", 0.0009, True),
                                        ("tfidf-svm", 0.002, False), ("both", 0.02, True)):
            found = copy.deepcopy(RESULTS)
            figures.at(found, path.format(checkpoint))["value"] += off
            with self.subTest(checkpoint, off=off):
                self.assertEqual(not said(found, same_machine=False).differ, agrees)
                self.assertTrue(said(found).differ)
        found = copy.deepcopy(RESULTS)
        found["corpus"]["rows"] += 1
        self.assertTrue(said(found, same_machine=False).differ, "a count is a count everywhere")
        self.assertIn("within 0.03 to 0.075 for scores of encoders", said(RESULTS, False).lines()[-1])

    def test_readme_is_held_to_a_whole_run_that_was_kept(self) -> None:
        values, elsewhere = figures.kept()
        listed = figures.of_table(README, LISTED) + figures.of_text(README, LISTED)
        self.assertEqual(set(values), {figure.path for figure in listed}, "figures.py --keep")
        # Most have to have every digit. A training may have gone another way on that machine: no
        # further than two seeds are apart.
        self.assertLess(len(elsewhere), len(values) / 4)
        for figure in listed:
            same_machine = figure.path not in elsewhere
            self.assertEqual(figure.difference(values, same_machine), "", figure.name)
            unit = 10 ** -len(figure.printed.partition(".")[2]) / (100 if figure.percent else 1)
            off = 3 * max(unit, 0.0 if same_machine else figure.elsewhere)
            for sign in (1, -1):
                spoilt = figures.Kept(values)
                spoilt[figure.path] += sign * off
                self.assertTrue(figure.difference(spoilt, same_machine), figure.path)

    def test_readme_without_its_table(self) -> None:
        with self.assertRaisesRegex(Problem, "no code block has the table"):
            said(RESULTS, text=README.replace("The paper's table 2, and ours (macro", "x"))
        with self.assertRaisesRegex(Problem, "is no score"):
            said(RESULTS, text=README.replace("0.924 [0.909, 0.938]", "0.924 [0.909; 0.938]", 1))


class Runs(OutputFolder):
    def setUp(self) -> None:
        super().setUp()
        (self.out / "reports").mkdir()
        self.results(RESULTS)

    def results(self, found: dict) -> None:
        (self.out / "reports/results.json").write_text(json.dumps(found))

    def end(self, profile: str = "laptop") -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            figures.print_end(profile)
        return said.getvalue()

    def ran_on(self, **other) -> None:
        wanted = {k: v for k, v in LISTED["measured_on"].items() if k not in ("profile", "libtorch")}
        first = {**wanted, "processor_family": wanted["processor_family"][0]}
        run = {"machine": {**first, **other}, "versions": {"libtorch": LISTED["measured_on"]["libtorch"]}}
        (self.out / "reports/01_a.ipynb").write_text(json.dumps({
            "cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {"ttp": {"run": run}}}))

    def test_a_laptop_run_ends_with_it_and_no_other_does(self) -> None:
        self.ran_on()
        self.assertEqual(self.end(), "figures agree with README within half a unit of the last printed "
                                     "digit (188 figures)\n")
        for family in LISTED["measured_on"]["processor_family"]:
            self.ran_on(processor_family=family)
            self.assertIn("half a unit of the last printed digit (188 figures)", self.end())
        self.ran_on(processor_family="AuthenticAMD 25 1")
        self.assertIn("on another kind of machine than README's (188 figures)", self.end())
        self.assertEqual(self.end("smoke"), "")

    def test_what_does_not_agree_is_named_and_fails_nothing(self) -> None:
        self.ran_on()
        found = copy.deepcopy(RESULTS)
        found["corpus"]["rows"] = 13_058
        self.results(found)
        self.assertEqual(self.end().splitlines(), [
            "figures of README that do not agree within half a unit of the last printed digit (187 do):",
            "  '(13,057 rows, 38 techniques)': README has 13,057, this run has 13,058"])
        self.results({**RESULTS, "profile": "smoke"})
        self.assertRegex(self.end(), "^note: README's figures were not compared: .*of profile 'smoke'")

    def test_no_release_tells_other_figures_than_readme(self) -> None:
        self.ran_on()
        with mock.patch.dict(os.environ, {"TTP_PROFILE": "laptop"}), \
                mock.patch.object(machine, "commit", return_value="0123456789ab"), \
                mock.patch.object(release, "check_run"):
            release.check_figures(Profile.from_environment())
            found = copy.deepcopy(RESULTS)
            found["corpus"]["techniques_kept"] = 39
            self.results(found)
            with self.assertRaisesRegex(Problem, "1 figures of README.md are not this run's, the first: .*has 39"):
                release.make()


if __name__ == "__main__":
    unittest.main()
