"""`make release`: the reports of a whole run as one archive, so that they can be read without a run.

It holds the pages and executed notebooks, the figures (results/*.json and the pictures in
reports/), VERSIONS.json, the licences of all that was used (LICENCES.csv) and SHA256SUMS. The run
must be whole, of the commit that is checked out, and README's figures its own: pages of other
notebooks, of another profile, of changed code or changed by hand are no release. The same run and
commit give the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
from pathlib import Path

import ending
import figures
import licences
import machine
import project
import report
import run_notebooks
from profiles import Profile
from project import Problem


def version() -> str:
    """The library's, which the workspace's manifest names."""
    manifest = project.ROOT / "Cargo.toml"
    found = re.search(r'^version = "([^"]+)"', manifest.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise Problem(f"{manifest}: no version")
    return found.group(1)


def check_run(profile: Profile) -> None:
    """Every notebook of the profile was run, on what stands there now."""
    look = report.look()
    stale = [state.name for path in run_notebooks.notebooks([], profile.notebooks())
             for state in run_notebooks.runs(path, profile)
             if not (state.is_up_to_date() and state.page_stands(look))]
    if stale:
        raise Problem(f"not up to date: {', '.join(stale)}: run `make reproduce` first")
    report.check_whole(profile)


def check_figures(profile: Profile) -> None:
    """README of this commit tells of this run."""
    found = figures.outcome(profile.name)
    if found and found.differ:
        raise Problem(f"{len(found.differ)} figures of README.md are not this run's, the first: "
                      f"{found.differ[0]} (environment/figures.py lists all): mend README.md first")


def check_commit() -> str:
    commit = machine.commit()
    if commit == "unknown" or commit.endswith("+"):
        raise Problem("a release is of a commit: commit what was changed first")
    return commit


def files() -> list[tuple[str, Path]]:
    """What goes into the archive: its name there, and the file."""
    out = project.output()
    reports = [path for path in sorted((out / "reports").rglob("*"))
               if path.is_file() and not any(part.startswith(".") for part in path.relative_to(out).parts)
               and ".failed." not in path.name]
    results = sorted((out / "results").glob("*.json"))
    return [(path.relative_to(out).as_posix(), path) for path in reports + results]


def archive(name: str, content: list[tuple[str, bytes]], time: int) -> bytes:
    """A .tar.gz whose files are all of one time and of nobody's."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=time) as stream, \
            tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, text in content:
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size, member.mtime, member.mode = len(text), time, 0o644
            tar.addfile(member, io.BytesIO(text))
    return packed.getvalue()


def make() -> Path:
    profile = Profile.from_environment()
    commit = check_commit()
    check_run(profile)
    check_figures(profile)
    name = f"ttp-lib-{version()}-{profile.name}"
    content = [(path, file.read_bytes()) for path, file in files()]
    about = {"version": version(), "commit": commit, "profile": profile.name, "versions": machine.versions()}
    content.append(("VERSIONS.json", (json.dumps(about, indent=2) + "\n").encode()))
    content.append(("LICENCES.csv", licences.as_csv(licences.listed()).encode()))
    sums = "".join(f"{hashlib.sha256(text).hexdigest()}  {path}\n" for path, text in content)
    content.append(("SHA256SUMS", sums.encode()))
    time = project.run_for_text(["git", "log", "-1", "--format=%ct"], project.ROOT).strip()
    target = project.output() / "release" / f"{name}.tar.gz"
    report.write_whole(target, archive(name, content, int(time or 0)))
    print(f"{target}: {len(content)} files, {target.stat().st_size / 1e6:.1f} MB, of commit {commit}")
    return target


def main() -> int:
    def work() -> None:
        make()

    return ending.run(work, lambda: project.output() / "release")


if __name__ == "__main__":
    sys.exit(main())
