"""Counts what makes the project hard to read; `make plain` shows it, and `make test` holds it.

- README's lines: at most `README_LINES`.
- Code cells of notebooks of more than `CELL_LINES` lines. The training loop, which stays in
  sight whole, is left out: its cell has the tag `training-loop`.
- Private words where the field has a term of its own (`WORDS`): none in prose (README, documents,
  notebooks' texts), and in what programs print, help included, no more than there are today.

A count that is not 0 yet stands below as it is today, and may only fall: whoever lowers it lowers
the number here as well. A line of a document that has to quote a private word, because a table of
the reports still has it, is no finding where it says so: "tables call it a *twin*".
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import project

README_LINES = 150
CELL_LINES = 15
TRAINING_LOOP = "training-loop"
# Today's counts.
LONG_CELLS = 0
WORDS_IN_MESSAGES = 0

# A private word, as it stands in a text, and the field's own.
WORDS = {
    r"twins?": "augmented copy",
    r"variants? of (?:a|the) (?:row|sentence)": "augmented copy",
    r"pass(?:es)? over the data": "epoch",
    r"parts? of (?:a|the) split|(?:training|validation|test) part": "training, validation, test set",
    r"hidden words?": "masked token",
    r"pretrained further": "continued pretraining",
    r"names? a technique": "classifies, predicts",
    r"never found": "zero recall",
    r"sinks?": "over-predicted class",
    r"takes in": "false positives from",
    r"remed(?:y|ies)": "method against class imbalance",
    r"trained anew": "retrained",
    r"drawn together": "resampled together",
    r"alarms?": "degenerate classifier",
    r"says? nothing|said nothing": "degenerate classifier",
    r"witness(?:es)?": "example confusion matrix",
    r"shares? of": "fraction of, proportion of, per cent of",
    r"what leaks": "train-test leakage",
    r"hardly leaves? (?:its|the) start": "barely trains",
    r"errs? on the wide side": "is conservative",
}
SEARCH = [(re.compile(rf"(?<![\w`./-])(?:{word})(?![\w`(/=-]|\.\w)", re.IGNORECASE), term)
          for word, term in WORDS.items()]
# It quotes the word beside the term, for readers of a table that has it.
QUOTES = re.compile(r"\b(?:tables?|audit|report)(?: below)? (?:calls?|marks?) |\(a \*witness\*\)")
CODE = re.compile(r"`[^`]*`")
FENCE = re.compile(r"^\s*```")


@dataclass(frozen=True)
class Finding:
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def words(text: str, place) -> "list[Finding]":
    """The private words of a text; `place` says where its line of that number stands."""
    found, fenced = [], False
    for number, line in enumerate(text.splitlines(), start=1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and not QUOTES.search(line):
            bare = CODE.sub("``", line)
            found += [Finding(place(number), f"{match.group(0)!r}: write {term}")
                      for pattern, term in SEARCH for match in pattern.finditer(bare)]
    return found


def shown(path: Path) -> str:
    return str(path.relative_to(project.ROOT))


def documents() -> "list[Path]":
    """README and the documents beside it and below; what changed is told in its day's words."""
    folders = ("", "notebooks", "notebooks/profiles", "data", "environment", "environment/golden",
               "ttp-lib", "ttp-lib/crates/*", "docs")
    files = {path for folder in folders for path in project.ROOT.glob(f"{folder}/*.md" if folder
                                                                       else "*.md")}
    return sorted(path for path in files if path.name != "CHANGELOG.md")


def notebooks() -> "list[Path]":
    return sorted([*project.NOTEBOOKS.glob("*.ipynb"),
                   *(project.NOTEBOOKS / "exercises").glob("*.ipynb")])


def cells(path: Path, kind: str) -> "list[tuple[int, dict, str]]":
    """A notebook's cells of a kind: number among all, the cell, its source."""
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(number, cell, "".join(cell["source"])) for number, cell in enumerate(found, start=1)
            if cell["cell_type"] == kind]


def long_cells() -> "list[Finding]":
    found = []
    for path in notebooks():
        for number, cell, source in cells(path, "code"):
            lines = len(source.rstrip("\n").splitlines())
            if lines > CELL_LINES and TRAINING_LOOP not in cell["metadata"].get("tags", []):
                found.append(Finding(f"{shown(path)}, cell {number}",
                                     f"{lines} lines, more than {CELL_LINES}"))
    return found


def words_in_prose() -> "list[Finding]":
    found = []
    for path in documents():
        found += words(path.read_text(encoding="utf-8"),
                       lambda line, path=path: f"{shown(path)}:{line}")
    for path in notebooks():
        for number, _, source in cells(path, "markdown"):
            found += words(source, lambda line, path=path, number=number:
                           f"{shown(path)}, cell {number}, line {line}")
    return found


STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
# A key of a file, a name of a flag, a path: no text that somebody reads.
KEY = re.compile(r"[\w./{}*-]*")


def messages(source: str) -> "list[str]":
    """The texts of a Rust source that somebody reads: its strings of more than one word. The
    module of tests at its end is left out."""
    source = COMMENT.sub("", source.split("#[cfg(test)]\nmod ", 1)[0]).replace("'\"'", "' '")
    texts = (re.sub(r"\\\n\s*", "", text) for text in STRING.findall(source))
    return [text for text in texts if not KEY.fullmatch(text)]


# What clap shows as help: the documentation of the command line's arguments.
HELP = re.compile(r"^ *///(?!/) ?(.*)$", re.MULTILINE)


def help_texts(source: str) -> "list[str]":
    """The documentation of a source of the command line, a line each."""
    return HELP.findall(source) if "use clap" in source or "clap::" in source else []


def words_in_messages() -> "list[Finding]":
    found = []
    for path in sorted((project.ROOT / "ttp-lib/crates/cli/src").glob("*.rs")):
        for text in help_texts(path.read_text(encoding="utf-8")):
            found += words(text, lambda _, path=path: shown(path))
    sources = [path for path in (project.ROOT / "ttp-lib").rglob("*.rs")
               if "src" in path.parts and "tests" not in path.parts
               and not path.name.endswith("tests.rs")]
    for path in sorted(sources):
        for text in messages(path.read_text(encoding="utf-8")):
            found += words(text, lambda _, path=path: shown(path))
    for path in notebooks():
        for number, _, source in cells(path, "code"):
            for text in messages(source):
                found += words(text, lambda _, path=path, number=number:
                               f"{shown(path)}, cell {number}")
    return found


def readme_lines() -> int:
    return len((project.ROOT / "README.md").read_text(encoding="utf-8").splitlines())


def counts() -> "list[tuple[str, int, int, list[Finding]]]":
    """What is counted: its name, the count, the most that it may be, and the findings."""
    long, prose, printed = long_cells(), words_in_prose(), words_in_messages()
    return [("lines of README.md", readme_lines(), README_LINES, []),
            (f"cells of more than {CELL_LINES} lines", len(long), LONG_CELLS, long),
            ("private words in prose", len(prose), 0, prose),
            ("private words in messages", len(printed), WORDS_IN_MESSAGES, printed)]


def report(every: bool) -> "list[str]":
    """A line for each count; below one that is too high, or below `every`, its findings."""
    lines = []
    for name, count, most, findings in counts():
        lines.append(f"{'too many: ' if count > most else ''}{name}: {count}, at most {most}")
        if count > most or every:
            lines += [f"  {finding}" for finding in findings]
    return lines


def main() -> int:
    lines = report("--all" in sys.argv[1:])
    print("\n".join(lines))
    return 1 if any(line.startswith("too many: ") for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
