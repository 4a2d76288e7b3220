"""Which crates of the library a notebook needs, by what its cells take from `ttp_lib`, and from
crates that they name themselves.

`ttp-lib/src/lib.rs` says what each name is: a module of its own, or one of a crate below
`ttp-lib/crates/`, whose manifest names the crates below it. So an edit in the claims audit
makes stale what audits, and one in the command line nothing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import project

HEART = "ttp_lib"
# `ttp_lib::corpus`, or the names at the first level of `ttp_lib::{corpus::{self, Corpus}, files}`.
TAKEN = re.compile(r"\bttp_lib::(?:(\w+|\*)|\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\})")
INNER = re.compile(r"\{(?:[^{}]|\{[^{}]*\})*\}")
# `ttp_report::recognise`, of a crate that the notebook has a `:dep` of its own for.
DIRECT = re.compile(r"\b(ttp_\w+)::")
HANDED_ON = re.compile(r"^pub use (ttp_\w+)(?:::(?:\{([^}]*)\}|(\w+)))?(?: as (\w+))?;", re.M)
NEEDED = re.compile(r"^(ttp-\w+)\b", re.M)
# Of other makers, in versions that Cargo.lock has.
NOT_OURS = {"polars", "serde_json"}


def library() -> Path:
    return project.ROOT / "ttp-lib"


def folders() -> "dict[str, Path]":
    """The folder of each crate, by the name that code has for it."""
    inner = sorted((library() / "crates").glob("*/Cargo.toml"))
    return {HEART: library(), **{f"ttp_{path.parent.name}": path.parent for path in inner}}


def handed_on() -> "dict[str, str]":
    """The crate of each name that `ttp_lib` hands on."""
    found = {}
    text = (library() / "src" / "lib.rs").read_text(encoding="utf-8")
    for crate, names, name, other in HANDED_ON.findall(text):
        for one in (names or other or name).split(","):
            found[one.strip()] = crate
    return found


def taken(source: str) -> "set[str]":
    """The names that a source takes from `ttp_lib`."""
    names = set()
    for one, group in TAKEN.findall(source):
        items = [one] if one else INNER.sub("", group).split(",")
        names.update(item.strip().split("::")[0].split(" ")[0] for item in items if item.strip())
    return names


def below(crate: str) -> "set[str]":
    """The crates that one needs itself. Of the library it is what its own modules name: what it
    only hands on is no need of theirs."""
    if crate == HEART:
        sources = (library() / "src").rglob("*.rs")
        texts = [path.read_text(encoding="utf-8") for path in sources if path.name != "lib.rs"]
        return {name for text in texts for name in re.findall(r"\b(ttp_\w+)::", text)} - {HEART}
    manifest = (folders()[crate] / "Cargo.toml").read_text(encoding="utf-8")
    own = manifest.partition("[dependencies]")[2].partition("\n[")[0]
    return {name.replace("-", "_") for name in NEEDED.findall(own)}


def needed(notebook: Path) -> "list[Path]":
    """The folders of all crates that a notebook needs; all there are where it takes a name that
    is not known here. Modules of the library itself, of which `lib.rs` says nothing more, are
    part of it."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    known, places = handed_on(), folders()
    waiting = {HEART, *(places.keys() & set(DIRECT.findall(source)))}
    for name in taken(source) - NOT_OURS:
        if name in known:
            waiting.add(known[name])
        elif not module_of_heart(name):
            return list(places.values())
    reached: "set[str]" = set()
    while waiting:
        crate = waiting.pop()
        if crate not in reached and crate in places:
            reached.add(crate)
            waiting |= below(crate)
    return [places[name] for name in places if name in reached]


def module_of_heart(name: str) -> bool:
    source = library() / "src"
    return (source / f"{name}.rs").exists() or (source / name / "mod.rs").exists()


def sources(crate: Path) -> "list[Path]":
    """What a crate is compiled from; its tests are not: `tests.rs`, and all in `tests/`."""
    files = [path for path in (crate / "src").rglob("*") if path.is_file()]
    own = [path for path in (crate / "Cargo.toml", crate / "build.rs") if path.is_file()]
    return sorted(path for path in files if not is_test(path.relative_to(crate))) + own


def is_test(path: Path) -> bool:
    return any(part.removesuffix(".rs") == "tests" or part.removesuffix(".rs").endswith("_tests")
               for part in path.parts)
