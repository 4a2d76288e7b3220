"""`make licences`: every crate and Python package of others that is used, with its licence.

    licences.py [FILE]        a CSV file, target/licences.csv unless named
    licences.py --deny        `make deny`: what cargo-deny says of the crates, by deny.toml

Refuses what has a licence that is not allowed: for crates `licenses.allow` of deny.toml, for the
rest licences.toml as well. What cargo knows of this platform is listed, tests' and builds' crates
included; of Python the packages of set-up's own environment. The kernel's program is one line: its
crates are its own. Reads only what set-up has put on this machine, and so does cargo-deny here: of
other platforms' crates not all are there. It adds which second versions and sources are allowed,
and advisories, if the RustSec advisory database is where `cargo deny fetch db` puts it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path

import ending
import project
import report
from project import Problem

FIELDS = ("kind", "name", "version", "licence")
TOKEN = re.compile(r"\s*(\(|\)|/|[A-Za-z0-9.+-]+)")
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
# A licence's whole text stands where its name should: the name is its first line.
LONGEST_NAME = 60


# -- expressions ----------------------------------------------------------------------------------

def is_allowed(expression: str, allowed: "set[str]") -> bool:
    """Whether an SPDX expression can be met with these licences. `/` is cargo's old `OR`."""
    tokens = [("OR" if token == "/" else token) for token in TOKEN.findall(expression)]
    if "".join(tokens) != re.sub(r"\s", "", expression).replace("/", "OR") or not tokens:
        raise ValueError(f"{expression!r} is no licence expression")
    value, rest = either(tokens, allowed)
    if rest:
        raise ValueError(f"{expression!r} is no licence expression: {rest[0]!r}")
    return value


def either(tokens: "list[str]", allowed: "set[str]") -> "tuple[bool, list[str]]":
    value, tokens = both(tokens, allowed)
    while tokens[:1] == ["OR"]:
        other, tokens = both(tokens[1:], allowed)
        value = value or other
    return value, tokens


def both(tokens: "list[str]", allowed: "set[str]") -> "tuple[bool, list[str]]":
    value, tokens = one(tokens, allowed)
    while tokens[:1] == ["AND"]:
        other, tokens = one(tokens[1:], allowed)
        value = value and other
    return value, tokens


def one(tokens: "list[str]", allowed: "set[str]") -> "tuple[bool, list[str]]":
    if not tokens or tokens[0] in ("AND", "OR", "WITH", ")"):
        raise ValueError(f"a licence is missing before {tokens[0]!r}" if tokens else "a licence is missing")
    if tokens[0] == "(":
        value, rest = either(tokens[1:], allowed)
        if rest[:1] != [")"]:
            raise ValueError("a bracket is not closed")
        return value, rest[1:]
    if tokens[1:2] == ["WITH"]:
        return " ".join(tokens[:3]) in allowed, tokens[3:]
    return tokens[0] in allowed, tokens[1:]


# -- what there is --------------------------------------------------------------------------------

def crates(found: dict) -> "list[tuple[str, str, str, str]]":
    """Of `cargo metadata`: those that come from elsewhere."""
    return sorted(("crate", package["name"], package["version"], package["license"] or "")
                  for package in found["packages"] if package["source"])


def cargo_metadata() -> dict:
    text = project.run_for_text(["cargo", "metadata", "--format-version", "1", "--locked",
                                 "--filter-platform", project.host_triple()], project.ROOT)
    if not text:
        raise Problem("cargo metadata --locked fails: run `make setup` first")
    return json.loads(text)


def python_licence(about, spellings: "dict[str, str]") -> str:
    """What a package says, as an SPDX expression; else in its own words, or nothing."""
    if about.get("License-Expression"):
        return about["License-Expression"]
    written = (about.get("License") or "").strip().partition("\n")[0].strip()
    classifiers = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or []
                   if text.startswith("License :: ")]
    for name in (written, *classifiers):
        if name in spellings:
            return spellings[name]
    # An SPDX name in the old field, which any text may stand in.
    return written if re.fullmatch(r"[A-Za-z0-9.+-]+", written) and written != "UNKNOWN" \
        else (written or " ".join(classifiers))[:LONGEST_NAME]


def requirements() -> "set[str]":
    text = (project.ENVIRONMENT / "requirements.txt").read_text(encoding="utf-8")
    return {canonical(name) for name, _ in REQUIREMENT.findall(text)}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def python_packages(spellings: "dict[str, str]") -> "list[tuple[str, str, str, str]]":
    """Those of requirements.txt that this Python has; the others are for other ones."""
    wanted, found = requirements(), []
    for package in metadata.distributions():
        name = package.metadata["Name"]
        if canonical(name) in wanted:
            found.append(("python", name, package.version, python_licence(package.metadata, spellings)))
    if not found:
        raise Problem("this Python has none of environment/requirements.txt: run `make licences`")
    return sorted(set(found), key=lambda row: row[1].lower())


def fetched(licences: "dict[str, str]") -> "list[tuple[str, str, str, str]]":
    """What set-up takes for this platform, and the kernel's program."""
    wheels = project.read_toml(project.ENVIRONMENT / "wheels.toml")
    kind = "cuda" if project.wants_cuda() else "cpu"
    rows = [("fetched", wheel["package"], wheel["version"]) for wheel in wheels["libtorch"]["wheel"]
            if wheel["platform"] == project.platform_name() and kind in wheel["kinds"]]
    rows.append(("fetched", wheels["axe-core"]["package"], wheels["axe-core"]["version"]))
    rows.append(("fetched", "evcxr_jupyter", project.EVCXR_VERSION))
    # All of NVIDIA's packages have one licence.
    return [(*row, licences.get(row[1]) or licences.get(row[1].partition("-")[0], "")) for row in rows]


def not_allowed(rows: "list[tuple[str, str, str, str]]", allowed: "dict[str, set[str]]") -> "list[str]":
    lines = []
    for kind, name, version, licence in rows:
        try:
            reason = "" if is_allowed(licence, allowed[kind]) else f"{licence} is not allowed"
        except ValueError as error:
            reason = f"says no licence ({error})" if not licence else str(error)
        if reason:
            lines.append(f"{kind} {name} {version}: {reason}")
    return lines


def listed() -> "list[tuple[str, str, str, str]]":
    """All of them; raises `Problem` where one may not be used."""
    own = project.read_toml(project.ENVIRONMENT / "licences.toml")
    of_crates = set(project.read_toml(project.ROOT / "deny.toml")["licenses"]["allow"])
    of_python = of_crates | set(own["python"]["allow"])
    rows = [*crates(cargo_metadata()), *python_packages(own["python"]["spellings"]),
            *fetched(own["fetched"]["licences"])]
    refused = not_allowed(rows, {"crate": of_crates, "python": of_python,
                                 "fetched": of_python | set(own["fetched"]["allow"])})
    if refused:
        raise Problem(f"{len(refused)} licences are not allowed (deny.toml, environment/licences.toml): "
                      + "; ".join(refused))
    return rows


def as_csv(rows: "list[tuple[str, str, str, str]]") -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows(rows)
    return text.getvalue()


# -- cargo-deny -----------------------------------------------------------------------------------

CHECKS = ("bans", "licenses", "sources")
# deny.toml was tried with this one. 0.18.9 refuses it.
LEAST_CARGO_DENY = (0, 20, 2)
INSTALL = f"cargo install --locked cargo-deny --version {'.'.join(map(str, LEAST_CARGO_DENY))}"
NO_CARGO_DENY = f"cargo-deny is not installed: {INSTALL}"
NO_DATABASE = "advisories: the RustSec advisory database is not on this machine: cargo deny fetch db"


def no_cargo_deny() -> "str | None":
    """Why cargo-deny cannot be asked: it is missing, or older than the one that deny.toml was tried with."""
    said = project.run_for_text(["cargo", "deny", "--version"]).strip()
    if not said:
        return NO_CARGO_DENY
    version = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    if not version or tuple(map(int, version.groups())) < LEAST_CARGO_DENY:
        return f"{said}: deny.toml was not tried with it: {INSTALL}"
    return None


def advisories() -> "Path | None":
    """The RustSec advisory database, where cargo-deny keeps it: the name ends with a hash."""
    home = Path(os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo"))
    return next((path for path in sorted((home / "advisory-dbs").glob("advisory-db-*")) if path.is_dir()), None)


def cargo_deny(*checks: str) -> "list[str]":
    """The command, for the crates of this platform and with no use of a network."""
    return ["cargo", "deny", "--locked", "--offline", "--target", project.host_triple(), "check", *checks]


def deny() -> int:
    """All checks that can be done here; cargo-deny's exit status."""
    reason = no_cargo_deny()
    if reason:
        raise Problem(reason)
    checks, database = CHECKS, advisories()
    if database:
        day = project.run_for_text(["git", "-C", str(database), "log", "-1", "--format=%cs"]).strip()
        print(f"advisories: the RustSec advisory database of {day or 'an unknown day'}", flush=True)
        checks = ("advisories", *CHECKS)
    else:
        print(f"skipped: {NO_DATABASE}", flush=True)
    return subprocess.run(cargo_deny(*checks), cwd=project.ROOT, check=False).returncode


def main() -> int:
    if sys.argv[1:] == ["--deny"]:
        return ending.run(deny, lambda: project.ROOT)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else project.ROOT / "target" / "licences.csv"
    return ending.run(lambda: write(target), lambda: target)


def write(target: Path) -> None:
    rows = listed()
    report.write_whole(target, as_csv(rows))
    for (kind, licence), number in Counter((row[0], row[3]) for row in rows).most_common():
        print(f"  {number:>4}  {kind:<8} {licence}")
    print(f"{len(rows)} licences, all allowed: {target}")


if __name__ == "__main__":
    sys.exit(main())
