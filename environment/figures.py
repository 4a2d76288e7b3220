"""Whether README's figures are those of the run at hand.

    figures.py           compares them
    figures.py --keep    and keeps the run's values in figures_kept.json, where all of them agree

README.md prints figures of a run of profile `laptop`: the table that `make reproduce` ends with,
and others in its text. `figures.toml` says which value of reports/results.json each one is.
`make reproduce` ends with the line that this module makes, and `make release` refuses a run whose
figures are others. The tests hold README to the values of a whole run that were kept.

A figure agrees if the run's value, rounded as README prints it, has the same digits. That holds on
the kind of machine that README's figures were measured on. On another machine a trained model's
scores may be a little off, by no more than `figures.toml` says and argues.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator

import ending
import notebook_file
import project
import report
from files import write_whole
from profiles import Profile
from project import Problem

PROFILE = "laptop"
KEPT = project.ENVIRONMENT / "figures_kept.json"
CAPTION = "The paper's table 2, and ours (macro averages)"
COLUMNS = ("accuracy", "precision", "recall", "f1", "f2")
LINEAR = ("tfidf-svm", "counts-logistic")

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
ITEM = re.compile(r"^\d+\. ", re.MULTILINE)
TARGET = re.compile(r"\]\([^)]*\)")
CODE = re.compile(r"`[^`]*`")
NUMBER = re.compile(r"(?<![\w.\-−])[−+-]?\d(?:[\d,]*\d)?(?:\.\d+)?")
CELL = re.compile(r"^(\d\.\d+)(?: \[(\d\.\d+), (\d\.\d+)\])?$")


class Figure:
    """A number of README, where the run has it, and how far from it the run's may be elsewhere."""

    def __init__(self, name: str, printed: str, path: str, elsewhere: float, *,
                 percent: bool = False, needs: str = "") -> None:
        self.name, self.printed, self.path = name, printed, path
        self.elsewhere, self.percent, self.needs = elsewhere, percent, needs

    def difference(self, found: dict, same_machine: bool) -> str:
        """What the run has in its place; empty where they agree. Raises `Missing`."""
        value = at(found, self.path)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return f"results.json has {value!r}"
        printed = as_number(self.printed)
        shown = value * 100 if self.percent else value
        decimals = len(self.printed.partition(".")[2])
        within = 0.0 if same_machine else self.elsewhere * (100 if self.percent else 1)
        # Half of a unit of the last printed digit, which is nothing for a count; a value may lie on
        # the edge itself.
        if abs(shown - printed) <= 0.5 * 10 ** -decimals + within + 1e-9:
            return ""
        return f"this run has {shown:,.{decimals}f}"


class Missing(Exception):
    """A run's results have no such value."""


class Kept(dict):
    """What a whole run has for README's figures, by their paths."""


class Outcome:
    """What became of README's figures."""

    def __init__(self, agree: int, differ: "list[str]", absent: "dict[str, int]", within: str) -> None:
        self.agree, self.differ, self.absent, self.within = agree, differ, absent, within

    def lines(self) -> "list[str]":
        notes = [f"not compared: {number} figures, which need {name} (data/sources.toml)"
                 for name, number in sorted(self.absent.items())]
        if self.differ:
            return [f"figures of README that do not agree within {self.within} ({self.agree} do):",
                    *(f"  {line}" for line in self.differ), *notes]
        return [*notes, f"figures agree with README within {self.within} ({self.agree} figures)"]


# -- README ---------------------------------------------------------------------------------------

def readme() -> str:
    path = project.ROOT / "README.md"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Problem(f"{path}: cannot read: {error}") from error


def prose(text: str) -> str:
    """README without code blocks, numbers of lists and targets of links, in one line."""
    return " ".join(TARGET.sub("]", ITEM.sub("", FENCE.sub("", text))).split())


def numbers(text: str) -> "list[re.Match]":
    """The numbers of a prose, but for those in code."""
    code = [match.span() for match in CODE.finditer(text)]
    return [match for match in NUMBER.finditer(text)
            if not any(start <= match.start() < end for start, end in code)]


def as_number(printed: str) -> float:
    return float(printed.replace("−", "-").replace(",", ""))


def table(text: str) -> "list[list[str]]":
    """The rows of README's comparison table: model, protocol, and a cell for each score."""
    block = next((block for block in FENCE.findall(text) if CAPTION in block), None)
    if block is None:
        raise Problem(f"README.md: no code block has the table {CAPTION!r}")
    rows = [re.split(r" {2,}", line.strip()) for line in block.splitlines()]
    return [row for row in rows if len(row) == 2 + len(COLUMNS) and "(" in row[0]]


def sources() -> dict:
    return project.read_toml(project.ENVIRONMENT / "figures.toml")


def unexplained(text: str, listed: dict) -> "list[str]":
    """A line for each number of README that `figures.toml` does not explain, and for each text of
    that file that README does not have once, or that explains another number of numbers."""
    told, lines, covered = prose(text), [], set()
    for kind in ("figure", "other", "fixed"):
        for entry in listed.get(kind, []):
            part = entry["text"]
            if told.count(part) != 1:
                lines.append(f"figures.toml: README.md has {part!r} {told.count(part)} times")
                continue
            start = told.index(part)
            inside = [match.span() for match in numbers(told)
                      if start <= match.start() and match.end() <= start + len(part)]
            if not inside:
                lines.append(f"figures.toml: {part!r} holds no number")
            if kind == "figure" and len(inside) != len(entry["results"]):
                lines.append(f"figures.toml: {part!r} holds {len(inside)} numbers, and "
                             f"{len(entry['results'])} paths are given")
            if kind == "other" and not (entry.get("from") and entry.get("command")):
                lines.append(f"figures.toml: {part!r} needs `from` and `command`")
            lines += [f"figures.toml: {told[a:b]} in {part!r} is explained twice"
                      for a, b in inside if (a, b) in covered]
            covered.update(inside)
    for match in numbers(told):
        if match.span() not in covered:
            around = told[max(0, match.start() - 40):match.end() + 20]
            lines.append(f"README.md: {match.group()} in '…{around}…': figures.toml does not say "
                         "where it comes from")
    return lines


def of_text(text: str, listed: dict) -> "list[Figure]":
    """The figures of README's prose that a run has."""
    told, elsewhere, found = prose(text), listed["elsewhere"], []
    for entry in listed["figure"]:
        part = entry["text"]
        printed = [match.group() for match in numbers(part)]
        if part not in told or len(printed) != len(entry["results"]):
            raise Problem(f"figures.toml: README.md does not have {part!r} with "
                          f"{len(entry['results'])} numbers any more")
        found += [Figure(f"'{part}'", number, path, elsewhere[entry["of"]],
                         percent=entry.get("percent", False), needs=entry.get("needs", ""))
                  for number, path in zip(printed, entry["results"])]
    return found


def of_table(text: str, listed: dict) -> "list[Figure]":
    """The figures of README's comparison table, with their intervals."""
    found = []
    for model, protocol, *cells in table(text):
        checkpoint = model.partition(" (")[0]
        for column, cell in zip(COLUMNS, cells):
            parts = CELL.match(cell)
            if not parts:
                raise Problem(f"README.md: {model}, {protocol}, {column}: {cell!r} is no score")
            name = f"{model}, {protocol}, {column}"
            if "(published)" in model:
                found.append(Figure(name, cell, f"comparison/published/[model={checkpoint}]/{column}", 0.0))
                continue
            field = column if column == "accuracy" else f"{column}_macro"
            path = f"comparison/ours/{checkpoint}, protocol {protocol}/{field}"
            within = listed["elsewhere"]["linear" if checkpoint in LINEAR else checkpoint]
            found += [Figure(f"{name}, {end}", printed, f"{path}/{end}", within)
                      for end, printed in zip(("value", "low", "high"), parts.groups()) if printed]
    return found


# -- the run --------------------------------------------------------------------------------------

def at(found: dict, path: str):
    """A value of results.json, or of what was kept of it; raises `Missing` where there is none."""
    if isinstance(found, Kept):
        if path not in found:
            raise Missing(f"{KEPT.name} has no {path}: `figures.py --keep` after a whole run writes it")
        return found[path]
    if path.startswith("="):
        return COMPUTED[path[1:]](found)
    value: object = found
    for step in path.split("/"):
        if step.startswith("[") and isinstance(value, list):
            wanted = dict(pair.split("=", 1) for pair in step[1:-1].split(","))
            matches = [one for one in value
                       if isinstance(one, dict) and all(one.get(k) == v for k, v in wanted.items())]
            if len(matches) != 1:
                raise Missing(f"{path}: {len(matches)} of {len(value)} are {step}")
            value = matches[0]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and value.get(step) is not None:
            value = value[step]
        else:
            raise Missing(f"results.json has no {path}")
    return value


def claims(found: dict) -> "list[dict]":
    """Those of the three documents; the full report is audited beside the summary of it."""
    return [claim for one in at(found, "claims_audit/documents")
            if one["document"] != "family report" for claim in one["claims"]]


def verdicts(verdict: str) -> "Callable[[dict], int]":
    return lambda found: sum(claim.get("verdict") == verdict for claim in claims(found))


def f1(choose: Callable, protocol: str) -> "Callable[[dict], float]":
    return lambda found: choose(one["f1_macro"]["value"] for one in at(found, "comparison/ours").values()
                                if one["protocol"] == protocol)


COMPUTED: "dict[str, Callable[[dict], float]]" = {
    "claims": lambda found: len(claims(found)),
    "claims inconsistent": verdicts("inconsistent"),
    "claims inconsistent in one reading": lambda found: sum(
        claim.get("verdict") == "inconsistent" and claim.get("reading") is not None
        for claim in claims(found)),
    "claims undecided": verdicts("undecided"),
    **{f"{name} F1 under {protocol}": f1(choose, protocol)
       for name, choose in (("lowest", min), ("highest", max)) for protocol in ("paper", "clean")},
}


def machines() -> "Iterator[dict]":
    """What each executed notebook says of the machine that it ran on, with libtorch's version."""
    for path in report.executed():
        run = notebook_file.metadata(path).get("run", {})
        yield {**run.get("machine", {}), "libtorch": run.get("versions", {}).get("libtorch")}


def is_same_machine(listed: dict) -> bool:
    """Whether every notebook ran on a kind of machine on which README's figures came out."""
    allowed = {key: value if isinstance(value, list) else [value]
               for key, value in listed["measured_on"].items() if key != "profile"}
    ran = list(machines())
    return bool(ran) and all(one.get(key) in values for one in ran for key, values in allowed.items())


def compare(text: str, listed: dict, found: dict, same_machine: bool) -> Outcome:
    """README against a run's results."""
    agree, differ, absent = 0, [], {}
    for figure in of_table(text, listed) + of_text(text, listed):
        try:
            other = figure.difference(found, same_machine)
        except Missing as missing:
            if figure.needs:
                absent[figure.needs] = absent.get(figure.needs, 0) + 1
                continue
            other = str(missing)
        except (KeyError, TypeError, ValueError) as error:
            other = f"results.json has another form: {type(error).__name__}: {error}"
        if other:
            differ.append(f"{figure.name}: README has {figure.printed}, {other}")
        else:
            agree += 1
    shown = {(row[0].partition(" (")[0], row[1]) for row in table(text)}
    ours = found.get("comparison", {}).get("ours", {})
    differ += [f"{one}: README's table has no such row" for one, figures in sorted(ours.items())
               if (figures.get("checkpoint"), figures.get("protocol")) not in shown]
    return Outcome(agree, differ, absent, how_far(listed, same_machine))


def how_far(listed: dict, same_machine: bool) -> str:
    if same_machine:
        return "half a unit of the last printed digit"
    least, most = (choose(value for key, value in listed["elsewhere"].items()
                          if key not in ("linear", "counts")) for choose in (min, max))
    return (f"{least} to {most} for scores of encoders and the last printed digit for the rest, on "
            "another kind of machine than README's")


def outcome(profile: str) -> "Outcome | None":
    """README against the run at hand; nothing where README has no figures of its profile."""
    if profile != PROFILE:
        return None
    found = report.written_results()
    if found.get("profile") != profile:
        raise Problem(f"{report.reports_folder() / 'results.json'} is of profile "
                      f"{found.get('profile')!r}: run `make reproduce` first")
    listed = sources()
    return compare(readme(), listed, found, is_same_machine(listed))


def print_end(profile: str) -> None:
    """A whole run's last lines. What does not agree is said, and fails no run."""
    try:
        found = outcome(profile)
    except Problem as problem:
        print(f"note: README's figures were not compared: {problem}")
        return
    for line in found.lines() if found else ():
        print(line)


# -- a run that was kept --------------------------------------------------------------------------

def keep() -> int:
    """Keeps the values of the run at hand for all of README's figures, where these agree with it."""
    found, text, listed = report.written_results(), readme(), sources()
    commit, ran = found.get("commit", "unknown"), list(machines())
    if not ran or commit == "unknown" or commit.endswith("+"):
        raise Problem("the run at hand is of no commit: commit what was changed, and run `make reproduce`")
    report.check_whole(Profile.from_environment())
    compared = outcome(PROFILE)
    print("\n".join(compared.lines()))
    if compared.differ:
        return 1
    if compared.absent:
        raise Problem(f"{KEPT.name} is of all figures: the run lacks what needs {', '.join(compared.absent)}")
    shown = of_table(text, listed) + of_text(text, listed)
    about = {
        "commit": commit, "machine": ran[0],
        "values": {figure.path: at(found, figure.path) for figure in shown},
        # Where that machine's last printed digits are not README's.
        "elsewhere": sorted(figure.path for figure in shown if figure.difference(found, same_machine=True)),
    }
    write_whole(KEPT, json.dumps(about, indent=1) + "\n")
    print(f"kept: {KEPT}")
    return 0


def kept() -> "tuple[Kept, set[str]]":
    """The values, and the paths of those whose printed digits are not README's: trainings that went
    another way on that machine."""
    try:
        told = json.loads(KEPT.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"{KEPT}: {error}: `figures.py --keep` writes it after a whole run") from error
    return Kept(told["values"]), set(told["elsewhere"])


def print_outcome() -> int:
    found = outcome(PROFILE)
    print("\n".join(found.lines()))
    return 1 if found.differ else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold README's figures to the run at hand.")
    parser.add_argument("--keep", action="store_true", help="and keep the run's values for the tests")
    return ending.run(keep if parser.parse_args().keep else print_outcome, lambda: KEPT)


if __name__ == "__main__":
    sys.exit(main())
