"""Mutants of a run's files: what is missing, old, of another profile or edited."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import figures
import findings
import report
from mutants import Mutant, SEED, Unsound, distinct, of_kinds
from mutants.run import MARKS, SVG, Run
from profiles import Profile
from project import Problem

FRESH = "freshness: the notebook is run again"
PAGE = "freshness: the page is made again"
WHOLE = "report.check_whole: no release"
MIXED = "freshness: inputs of another profile"
OUTPUTS = "freshness: a run without its output"
PLOT = "runner: a plot that draws nothing"
README = "figures: README against the run"
SOURCE = "figures: a number without a source"


def red(run: Run) -> str:
    """The first check that calls the run wrong; empty where none does."""
    states, look = run.states(), report.look()
    for state in states:
        try:
            state.check_profile_of_inputs()
        except Problem:
            return MIXED
    if not all(state.is_up_to_date() for state in states):
        return FRESH
    if not all(state.page_stands(look) for state in states):
        return PAGE
    try:
        report.check_whole(Profile.read("laptop"))
    except Problem:
        return WHOLE
    return ""


def other_digit(rng: random.Random, text: str) -> str:
    """The text with another digit in one place."""
    place = rng.choice([match.start() for match in re.finditer(r"\d", text)])
    digit = rng.choice([digit for digit in "0123456789" if digit != text[place]])
    return text[:place] + digit + text[place + 1:]


def relative(run: Run, paths: "list[Path]") -> "list[str]":
    return [path.relative_to(run.root).as_posix() for path in sorted(paths)]


def made(run: Run) -> "list[str]":
    files = [path for folder in ("data/processed", "results", "reports") for path in (run.root / folder).rglob("*")]
    return relative(run, [path for path in files if path.is_file() and ".runs" not in path.parts])


def missing(run: Run, rng: random.Random) -> "tuple[str, Callable]":
    path = rng.choice(made(run))
    return f"{path} is gone", (run.root / path).unlink


def stale(run: Run, rng: random.Random) -> "tuple[str, Callable]":
    """Something that a run reads is another one now."""
    files = relative(run, [path for path in run.files() if not {"reports", "results"} & set(
        path.relative_to(run.root).parts[:1]) and path.name not in ("smoke.json", "catalogue.json")])
    path = rng.choice(files)
    text = (run.root / path).read_text(encoding="utf-8")
    if path.endswith(".ipynb"):
        changed = text.replace("let x = 1;", f"let x = {rng.randrange(2, 999)};")
    elif re.search(r"\d", text) and rng.random() < 0.5 and not path.endswith("laptop.json"):
        changed = other_digit(rng, text)
    else:
        changed = text + rng.choice([" ", "\n", "\t"]) * rng.randrange(1, 9)
    return f"{path} is another: {len(changed)} bytes, sha256 {hashlib.sha256(changed.encode()).hexdigest()[:8]}", \
        lambda: run.write(path, changed)


def another_profile(run: Run, rng: random.Random) -> "tuple[str, Callable]":
    name = rng.choice([state.name for state in run.states()])
    record = run.root / "reports/.runs" / f"{name}.json"
    way = rng.choice(["record", "run", "executed", "results", "field"])
    if way == "record":
        return f"{name}: its record is of smoke", lambda: record.write_text(
            json.dumps({**json.loads(record.read_text()), "profile": "smoke"}))
    if way == "run":
        return f"{name}: was run again under smoke", lambda: run.make("smoke", name)
    if way == "executed":
        page = f"reports/{name}.ipynb"
        return f"{name}: its executed notebook is of smoke", lambda: run.write(
            page, (run.root / page).read_text().replace('"profile": "laptop"', '"profile": "smoke"'))
    whole = "reports/results.json"
    if way == "results":
        return "results.json is of smoke", lambda: run.write(
            whole, (run.root / whole).read_text().replace('"profile": "laptop"', '"profile": "smoke"'))

    def mixed() -> None:
        found = json.loads((run.root / whole).read_text())
        found["finetune"]["one.clean" if "one" in name else "two.clean"]["f1_macro"] = 0.123
        run.write(whole, json.dumps(found))
    return f"results.json has smoke's figure of {'one' if 'one' in name else 'two'}", mixed


def edited(run: Run, rng: random.Random, folder: str, endings: "tuple[str, ...]") -> "tuple[str, Callable]":
    path = rng.choice([path for path in made(run) if path.startswith(folder) and path.endswith(endings)])
    text = (run.root / path).read_text(encoding="utf-8")
    # Figures, not the page's own style and script.
    places = [match.span() for match in re.finditer(r"0\.\d{2,}|\b1[0-9]{2}\b", text)]
    start, end = rng.choice(places)
    changed = text[:start] + other_digit(rng, text[start:end]) + text[end:]
    return f"{path}: {text[start:end]} at {start} is {changed[start:end]}", lambda: run.write(path, changed)


def results_edited(run: Run, rng: random.Random) -> "tuple[str, Callable]":
    return edited(run, rng, rng.choice(["results/", "reports/results.json"]), (".json",))


def page_edited(run: Run, rng: random.Random) -> "tuple[str, Callable]":
    return edited(run, rng, "reports/", (".html", ".ipynb"))


def output_taken_out(run: Run, rng: random.Random) -> "tuple[str, Callable]":
    path = rng.choice([path for path in made(run) if path.endswith(".ipynb")])
    nb = json.loads((run.root / path).read_text())
    places = [(at, number) for at, cell in enumerate(nb["cells"]) for number in range(len(cell.get("outputs", [])))]
    at, number = rng.choice(places)
    del nb["cells"][at]["outputs"][number]
    return f"{path}: output {number} of cell {at} is gone", lambda: run.write(path, json.dumps(nb))


KINDS: "tuple[tuple[str, int, Callable], ...]" = (
    ("an output that is missing", 14, missing),
    ("an output that is stale", 24, stale),
    ("an output of another profile", 15, another_profile),
    ("a results file that was edited", 24, results_edited),
    ("a page that was edited", 20, page_edited),
    ("a cell's output taken out of a report", 10, output_taken_out),
)


def of_run() -> "Iterator[Mutant]":
    with Run() as run:
        before = run.files()
        if red(run):
            raise Unsound(f"the run that nobody touched: {red(run)}")
        yield from of_kinds(KINDS, run, lambda: red(run), lambda: run.restore(before))
        yield from not_written(run, before)
        if red(run):
            raise Unsound(f"the run after all mutants: {red(run)}")


def not_written(run: Run, before: "dict[Path, bytes]") -> "Iterator[Mutant]":
    """A notebook that ran to its end and did not write what it says it writes."""
    for state in run.states():
        for left_out in state.must_write:
            state.begin()
            for number, path in enumerate(state.outputs):
                if path != left_out:
                    run.write_output(path, state.name, number, "laptop")
            try:
                state.check_outputs()
                check = ""
            except Problem:
                check = OUTPUTS
            yield Mutant("an output that is missing", f"{state.name} did not write {left_out.name}", check)
            run.restore(before)


def of_plots() -> "Iterator[Mutant]":
    """Plots as the library draws them, without their marks."""
    rng = random.Random(f"{SEED} plots")
    titles = [(f"{name}, {at}", mark) for name in ("scores", "intervals", "rows") for at, mark in enumerate(MARKS)]
    for title, mark in titles:
        count = rng.randrange(1, 40)
        whole = {"data": {"image/svg+xml": SVG.format(title=title, marks=mark * count)}}
        if findings.is_empty_plot(whole):
            raise Unsound(f"a plot of {count} marks: {PLOT}")
        bare = {"data": {"image/svg+xml": SVG.format(title=title, marks="")}}
        check = PLOT if findings.is_empty_plot(bare) else ""
        yield Mutant("a plot without data", f"{title}: {count} of {mark.strip()} left out", check)


def of_readme() -> "Iterator[Mutant]":
    """Another digit in a number of README, or a new number."""
    from tests.test_figures import made_up
    listed, text, found = figures.sources(), figures.readme(), made_up()

    def check(changed: str) -> str:
        try:
            if figures.compare(changed, listed, found, same_machine=True).differ:
                return README
        except Problem:
            return README
        return SOURCE if figures.unexplained(changed, listed) else ""

    if check(text):
        raise Unsound(f"README as it is: {check(text)}")
    rng = random.Random(f"{SEED} readme")
    table = next(match.span() for match in figures.FENCE.finditer(text) if figures.CAPTION in match.group())
    scores = [(table[0] + m.start(), table[0] + m.end())
              for m in re.finditer(r"\d\.\d+", text[table[0]:table[1]])]
    told = [match.group() for match in figures.numbers(figures.prose(text))]

    def in_table() -> "tuple[int, str]":
        start, end = rng.choice(scores)
        return start, other_digit(rng, text[start:end])

    for start, changed in distinct(20, in_table):
        new = text[:start] + changed + text[start + len(changed):]
        yield Mutant("a figure of README that is another", f"table, at {start}: {changed}", check(new))

    def in_prose() -> "tuple[int, str]":
        at = rng.randrange(len(told))
        return at, other_digit(rng, told[at])

    for at, changed in distinct(20, in_prose):
        start = place_of(text, at)
        new = text[:start] + changed + text[start + len(told[at]):]
        yield Mutant("a figure of README that is another", f"number {at}: {told[at]} is {changed}", check(new))
    for number in ("0.913", "12 %", "1,234 rows", "0.5 [0.4, 0.6]"):
        new = text.replace("## Limits", f"It has {number} now.\n\n## Limits")
        yield Mutant("a figure of README without a source", number, check(new))


def place_of(text: str, wanted: int) -> int:
    """Where a number of README's prose stands in README itself."""
    def blank(match: re.Match) -> str:
        return re.sub(r"[^\n]", " ", match.group())

    kept = figures.TARGET.sub(blank, figures.ITEM.sub(blank, figures.FENCE.sub(blank, text)))
    return figures.numbers(kept)[wanted].start()
