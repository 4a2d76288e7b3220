"""The notebook kernel of this clone: its settings file, and its dependencies compiled.

    python3 environment/kernel.py            write the settings, compile what is not yet
    python3 environment/kernel.py --settings only write the settings
    python3 environment/kernel.py --compile  only compile, while the kernel's program is not there

Jupyter finds the settings through JUPYTER_PATH=target/jupyter; they name this
clone's own folders, so two clones on a machine do not meet.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import crates
import ending
import project
from project import Problem

NAME = "ttp-rust"
DISPLAY_NAME = "Rust (ttp-lib)"
JUPYTER_PATH = project.ROOT / "target" / "jupyter"
SECOND_NS = 1_000_000_000

# The manifest that evcxr 0.22.0 writes for its own package. Cargo shares compiled
# dependencies between this build and the kernel's because the profile is the same.
MANIFEST = """\
[package]
name = "ctx"
version = "1.0.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]
path = "src/lib.rs"

[profile.dev]
opt-level = 2
debug = false
strip = "debuginfo"
rpath = true
lto = false
debug-assertions = true
codegen-units = 16
panic = 'unwind'
incremental = true
overflow-checks = true

[dependencies]
ttp-lib = {{ path = {path} }}
ttp-evidence = {{ path = {evidence} }}
ttp-report = {{ path = {report} }}
"""


def variables() -> dict[str, str]:
    """The kernel's environment, beyond what it inherits."""
    return {
        **project.libtorch_variables(),
        **cuda_variables(),
        **spins(),
        "EVCXR_CONFIG_DIR": str(project.ENVIRONMENT / "kernel"),
        # Read by init.evcxr there.
        "TTP_CARGO_LOCK": str(project.ROOT / "Cargo.lock"),
        # One line for a panic; the backtrace would be the kernel's, not the cell's.
        "RUST_BACKTRACE": "0",
    }


def spins() -> dict[str, str]:
    """libtorch's threads wait for each other by spinning, for milliseconds as they come. On a
    machine that does other work as well that is time lost to both. What the user has set goes
    before; of the two the number wins in libgomp, so it is not set beside the other."""
    if "OMP_WAIT_POLICY" in os.environ and "GOMP_SPINCOUNT" not in os.environ:
        return {}
    return {"GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "0")}


def cuda_variables() -> dict[str, str]:
    """Nothing in what the kernel links names libtorch's CUDA half, and without it
    there is no device: it is loaded first."""
    library = project.cuda_library()
    return {"LD_PRELOAD": str(library)} if library.exists() else {}


def settings() -> dict:
    return {
        "argv": [
            sys.executable,
            str(project.ENVIRONMENT / "kernel" / "launch.py"),
            str(project.kernel_seat().parent),
            str(project.evcxr()),
            "{connection_file}",
        ],
        "display_name": DISPLAY_NAME,
        "language": "rust",
        "interrupt_mode": "message",
        "env": variables(),
    }


def need_program() -> None:
    if not project.evcxr().exists():
        raise Problem(f"{project.evcxr()} is not there: run `make setup` first")


def write_settings() -> Path:
    folder = JUPYTER_PATH / "kernels" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "kernel.json"
    write_changed(path, (json.dumps(settings(), indent=2) + "\n").encode())
    return path


def compile_dependencies() -> None:
    """Fills the first build folder, with cargo's own progress on the terminal."""
    seat, lock = project.kernel_seat(), project.ROOT / "Cargo.lock"
    # A package of its own beside the folder: a kernel that runs there is not disturbed.
    package = seat.with_name("package")
    (package / "src").mkdir(parents=True, exist_ok=True)
    write_changed(package / "src" / "lib.rs", b"")
    path, evidence, report = (json.dumps(str(project.ROOT / "ttp-lib" / name))
                              for name in (".", "crates/evidence", "crates/report"))
    manifest = MANIFEST.format(path=path, evidence=evidence, report=report).encode()
    is_new = write_changed(package / "Cargo.toml", manifest)
    own_lock = package / "Cargo.lock"
    if is_new or not is_built() or not own_lock.exists():
        # Cargo adds this package to it; without it, it would take the newest of everything.
        write_changed(own_lock, lock.read_bytes())
        print("kernel: compiling ttp-lib and what it needs (minutes, once)", flush=True)
        # The kernel asks cargo about dependencies on all platforms; once these are
        # fetched, notebooks run without a network.
        run_cargo(["cargo", "fetch"], package, dict(os.environ))
    sources = Sources(seat.with_name("sources.json"))
    sources.renew()
    # Before the build: one that fails or is killed has compiled some of them.
    sources.remember()
    run_cargo(["cargo", "build"], package, {**os.environ, **project.cargo_variables()})
    write_changed(seat / "built", lock.read_bytes())
    sources.remember_time()


class Sources:
    """What the library was compiled from, by content. Cargo goes by times alone: where the clock went
    back, or an older copy came with its time (`cp -p`), it would go on with the code of before,
    and figures would stand under the digest of code that did not make them. What another program
    compiles in the kernel's folder is not noted here."""

    def __init__(self, record: Path) -> None:
        self.record = record
        self.now = {str(path.relative_to(project.ROOT)): path for crate in crates.folders().values()
                    for path in crates.sources(crate)}
        try:
            known = json.loads(record.read_text(encoding="utf-8"))
            self.before, self.newest = dict(known["files"]), int(known["newest"])
        except (OSError, ValueError, LookupError, TypeError):
            self.before, self.newest = {}, 0
        self.found = {name: digest(path) for name, path in self.now.items()}

    def renew(self) -> None:
        """Gives what has changed, and has no later time than the last build, a later one. While the
        clock is behind that, cargo compiles it each time."""
        for name, path in self.now.items():
            if self.before.get(name, self.found[name]) == self.found[name]:
                continue
            if path.stat().st_mtime_ns <= self.newest:
                time_ns = max(time.time_ns(), self.newest + SECOND_NS)
                os.utime(path, ns=(time_ns, time_ns))
                print(f"kernel: {name} has changed, but not its time: it gets a new one", flush=True)

    def remember(self) -> None:
        about = {"newest": self.newest, "files": self.found}
        write_changed(self.record, (json.dumps(about, indent=1) + "\n").encode())

    def remember_time(self) -> None:
        self.newest = max(self.newest, time.time_ns())
        self.remember()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_built() -> bool:
    """Whether the dependencies were compiled as Cargo.lock has them now."""
    built = project.kernel_seat() / "built"
    return built.exists() and built.read_bytes() == (project.ROOT / "Cargo.lock").read_bytes()


def write_changed(path: Path, content: bytes) -> bool:
    """Leaves the time stamp alone where nothing changes: cargo goes by it. Says whether something
    has changed."""
    if path.exists() and path.read_bytes() == content:
        return False
    # Runs into two output folders write the same files of the clone.
    half = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    half.write_bytes(content)
    half.replace(path)
    return True


def run_cargo(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    try:
        code = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    except OSError as error:
        raise Problem(f"{command[0]}: {error.strerror}: run `make setup` first") from error
    if code != 0:
        raise Problem(f"`{' '.join(command)}` failed: its own message stands above")


def main() -> int:
    parser = argparse.ArgumentParser(description="Prepare the notebook kernel.")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--settings", action="store_true", help="do not compile")
    only.add_argument("--compile", action="store_true", help="do not write the settings")
    arguments = parser.parse_args()

    def prepare() -> None:
        if not arguments.compile:
            need_program()
            write_settings()
        if not arguments.settings:
            started = time.monotonic()
            compile_dependencies()
            print(f"kernel: ready after {time.monotonic() - started:.0f} s", flush=True)

    # Whoever runs set-up is told there that it was stopped.
    return ending.run(prepare, lambda: project.ROOT / "target", stopped="")


if __name__ == "__main__":
    sys.exit(main())
