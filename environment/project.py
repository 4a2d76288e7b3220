"""Where things are, and the environment that cargo and the kernel need.

Everything else in this folder asks this module; nothing here writes a file.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "environment"
NOTEBOOKS = ROOT / "notebooks"

LIBTORCH_VERSION = "2.4.0"
EVCXR_VERSION = "0.22.0"

# With `1`, libtorch rounds the factors of a GPU's matrix products to TF32 (10 bits of a
# single's 23; sums stay single), which the card multiplies several times faster; with `0`
# it does not. libtorch reads it itself: tch has no function for it.
TF32 = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"


class Problem(Exception):
    """Something the user can put right; its text is one line and is all that is shown."""


def cache() -> Path:
    """The folder that all clones on this machine share; `XDG_CACHE_HOME` moves it, and is taken
    from the repository's root where it is relative: links lead into the cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    if not base:
        try:
            base = Path.home() / ".cache"
        except RuntimeError:
            raise Problem("this user has no home folder: name a folder for downloads in "
                          "XDG_CACHE_HOME") from None
    return ROOT / base / "ttp-lib"


def output() -> Path:
    """Where data/processed, results and reports go: the repository, or `TTP_OUT`."""
    return Path(os.environ.get("TTP_OUT") or ROOT).resolve()


def own_folder(variable: str) -> Path | None:
    """The folder that `TTP_SOURCES` or `TTP_MODELS` names; a relative one is taken from
    the repository's root, as the library does."""
    value = os.environ.get(variable)
    return (ROOT / Path(value).expanduser()).resolve() if value else None


def platform_name() -> str:
    """For instance `linux-x86_64`: the key of a platform in wheels.toml."""
    machine = {"amd64": "x86_64", "arm64": "arm64", "aarch64": "aarch64"}
    name = platform.machine().lower()
    return f"{platform.system().lower()}-{machine.get(name, name)}"


def wants_cuda() -> bool:
    return os.environ.get("CUDA", "") not in ("", "0")


def libtorch() -> Path:
    """The libtorch that everything is built and run with."""
    own = os.environ.get("TTP_LIBTORCH")
    if own:
        folder = Path(own).expanduser().resolve()
        if not (folder / "lib").is_dir() or not (folder / "include").is_dir():
            raise Problem(f"TTP_LIBTORCH={own}: no folders lib and include there")
        return folder
    kind = "cuda" if wants_cuda() else "cpu"
    return cache() / f"libtorch-{LIBTORCH_VERSION}-{kind}"


def evcxr() -> Path:
    """The kernel's program: what set-up compiled, or what the user has installed."""
    own = own_evcxr()
    return own if own.exists() else installed_evcxr() or own


def own_evcxr() -> Path:
    return cache() / f"evcxr_jupyter-{EVCXR_VERSION}" / "bin" / "evcxr_jupyter"


def installed_evcxr() -> Path | None:
    """An `evcxr_jupyter` of the right version that `cargo install` has put on PATH or into
    cargo's own folder. The program does not tell its version; cargo's record beside it does."""
    home = os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo")
    for found in (shutil.which("evcxr_jupyter"), Path(home) / "bin" / "evcxr_jupyter"):
        # Of a home folder that may not be read, this says no; Path.is_file may raise an error.
        if not found or not os.path.isfile(found):
            continue
        try:
            record = (Path(found).parent.parent / ".crates.toml").read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if f'"evcxr_jupyter {EVCXR_VERSION} (' in record:
            return Path(found)
    return None


def libtorch_variables() -> dict[str, str]:
    """What torch-sys and the loader read, for `os.environ`."""
    folder = libtorch()
    path_name = "DYLD_LIBRARY_PATH" if platform.system() == "Darwin" else "LD_LIBRARY_PATH"
    before = os.environ.get(path_name, "")
    ours = str(folder / "lib")
    path = ours if not before or before == ours else f"{ours}:{before}"
    variables = {"LIBTORCH": str(folder), path_name: path}
    # PyPI's Linux wheels of 2.4 are built with GCC's old string layout; a libtorch
    # of one's own says which it has through LIBTORCH_CXX11_ABI.
    if not os.environ.get("TTP_LIBTORCH"):
        variables["LIBTORCH_CXX11_ABI"] = "0" if platform.system() == "Linux" else "1"
    if cuda_library().exists():
        variables[TF32] = os.environ.get(TF32) or "1"
    return variables


def cuda_library() -> Path:
    return libtorch() / "lib" / "libtorch_cuda.so"


def host_triple() -> str:
    text = run_for_text(["rustc", "-vV"])
    match = re.search(r"^host: (\S+)$", text, re.MULTILINE)
    if not match:
        raise Problem("rustc -vV does not say which host it builds for")
    return match.group(1)


def kernel_seat(number: int = 0) -> Path:
    """A kernel's build folder. Two kernels at once never share one."""
    return ROOT / "target" / "evcxr" / str(number)


def cargo_variables() -> dict[str, str]:
    """The environment in which cargo compiles dependencies exactly as the kernel does,
    into the kernel's own build folder, so that nothing is compiled twice."""
    return {
        **libtorch_variables(),
        "CARGO_TARGET_DIR": str(kernel_seat() / "target"),
        "CARGO_BUILD_TARGET": host_triple(),
        "RUSTFLAGS": "-Cprefer-dynamic",
    }


def run_for_text(command: list[str], cwd: Path | None = None) -> str:
    """A command's standard output; empty where it cannot be run or fails."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def read_toml(path: Path) -> dict:
    """TOML on Python 3.9 and 3.10 too, whose pip carries a reader of its own."""
    try:
        import tomllib
    except ModuleNotFoundError:
        try:
            from pip._vendor import tomli as tomllib
        except ModuleNotFoundError:
            raise Problem("Python's venv is missing: apt-get install python3-venv") from None
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(f"{path}: cannot read: {error.strerror}") from error
    except ValueError as error:
        raise Problem(f"{path}: {error}") from error
