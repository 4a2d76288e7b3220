"""What the kernel's analysis of a cell reads: the notebook's own crate and ttp-lib.

Before it compiles a cell, the kernel has rust-analyzer, which is built into it, find the
types of its variables. rust-analyzer reads the sources of every package that `cargo
metadata` lists, several hundred here, and polars alone takes it longer than all the rest
of the notebook's start. Types of ttp-lib need ttp-lib's own sources only.

So rust-analyzer meets a toolchain folder of its own, in which `cargo metadata` leaves out
what ttp-lib brings along and the standard library is its main packages. All that it runs
is the real toolchain; compilations never meet
this one, since the kernel finds cargo in another way than rust-analyzer does (`rustup
which cargo`, against `rustc --print sysroot`). Where any of it cannot be had, the kernel
works without it and takes longer.

    analysis.py CARGO metadata …    cargo's answer, without what is left out
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

# Of ttp-lib's own dependencies these are kept: what it passes on to notebooks under its
# own name, and is small.
KEPT = {"serde_json"}

# Of the standard library's sources what types are found in: not the half of it that is
# processors' own instructions, nor the packages that it is made with, for which
# rust-analyzer would ask cargo.
SOURCES = "lib/rustlib/src/rust/library"
STANDARD_LIBRARY = ("core", "alloc", "std", "proc_macro")

CARGO = """\
#!/bin/sh
# Written anew at each start of a kernel: environment/kernel/analysis.py.
export RUSTC={rustc}
[ "$1" = metadata ] && exec {python} -I {filter} {cargo} "$@"
exec {cargo} "$@"
"""

RUSTC = """\
#!/bin/sh
# Written anew at each start of a kernel: environment/kernel/analysis.py.
[ "$*" = "--print sysroot" ] && exec echo {folder}
exec {rustc} "$@"
"""


def toolchain(folder: Path) -> "dict[str, str]":
    """Writes the toolchain folder; the variables by which rust-analyzer finds it, none
    where the real toolchain is not as it should be."""
    cargo, rustc = real("cargo"), real("rustc")
    sysroot = rustc and said([rustc, "--print", "sysroot"])
    if not cargo or not sysroot:
        return {}
    words = {"cargo": cargo, "rustc": rustc, "python": sys.executable,
             "filter": str(Path(__file__).resolve()), "folder": str(folder)}
    words = {name: shlex.quote(word) for name, word in words.items()}
    try:
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        for name, text in (("cargo", CARGO), ("rustc", RUSTC)):
            # Another kernel may be reading it.
            half = folder / "bin" / f"{name}.{os.getpid()}"
            half.write_text(text.format(**words), encoding="utf-8")
            half.chmod(0o755)
            half.replace(folder / "bin" / name)
        standard_library(Path(sysroot) / SOURCES, folder / SOURCES)
    except OSError as error:
        print(f"{folder}: {error.strerror}: variables' types will take longer", flush=True)
        return {}
    # With rustup, its proxy takes the toolchain that rustc names; without it, the variable.
    return {"RUSTC": str(folder / "bin" / "rustc"), "CARGO": str(folder / "bin" / "cargo")}


def standard_library(real_one: Path, folder: Path) -> None:
    """Links to the sources that types are found in. Where rust-src is not installed there
    are none, and the kernel says what it then says."""
    for name in STANDARD_LIBRARY:
        source, link = real_one / name / "src", folder / name / "src"
        if not source.is_dir():
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        half = link.with_name(f"src.{os.getpid()}")
        half.symlink_to(source)
        half.replace(link)


def real(tool: str) -> "str | None":
    """As the kernel looks for it."""
    return said(["rustup", "which", tool]) or shutil.which(tool)


def said(command: "list[str]") -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def without_dependencies(metadata: dict, library: Path) -> dict:
    """Leaves out what is only there since ttp-lib, at `library`, depends on it. What a
    notebook asks for itself stays, with all that it needs."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    ours = {one for one, package in packages.items() if is_ours(package, library)}
    kept: "set[str]" = set()
    passed_on: "set[str]" = set()
    waiting = list(metadata["workspace_members"])
    while waiting:
        one = waiting.pop()
        if one in kept:
            continue
        kept.add(one)
        below = [dep["pkg"] for dep in nodes[one]["deps"]]
        if one in ours:
            passed_on.update(dep for dep in below if packages[dep]["name"] in KEPT)
            below = [dep for dep in below if dep in ours]
        waiting += below
    kept |= passed_on
    metadata["packages"] = [packages[one] for one in packages if one in kept]
    metadata["resolve"]["nodes"] = [pruned(nodes[one], kept) for one in nodes if one in kept]
    return metadata


def is_ours(package: dict, library: Path) -> bool:
    return (package["source"] is None
            and library in Path(package["manifest_path"]).resolve().parents)


def pruned(node: dict, kept: "set[str]") -> dict:
    return {**node, "deps": [dep for dep in node["deps"] if dep["pkg"] in kept],
            "dependencies": [dep for dep in node["dependencies"] if dep in kept]}


def is_of_the_notebook(arguments: "list[str]") -> bool:
    """Whether it is the kernel's own package that is asked about."""
    manifest = Path(os.environ.get("EVCXR_TMPDIR", os.devnull), "Cargo.toml")
    return ("--no-deps" not in arguments and "--manifest-path" in arguments
            and arguments[arguments.index("--manifest-path") + 1:][:1] == [str(manifest)])


def main() -> int:
    command = sys.argv[1:]
    if not is_of_the_notebook(command):
        os.execv(command[0], command)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    answer = done.stdout
    if done.returncode == 0:
        try:
            library = Path(__file__).resolve().parents[2] / "ttp-lib"
            answer = json.dumps(without_dependencies(json.loads(answer), library)).encode()
        except (ValueError, KeyError, TypeError) as error:
            # For the kernel's log; rust-analyzer gets all of it.
            print(f"{__file__}: cargo's answer is not as it was: {error!r}", file=sys.stderr)
            answer = done.stdout
    sys.stdout.buffer.write(answer)
    sys.stdout.flush()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
