"""`make kernelspec`: the kernel in one's own Jupyter and in VS Code.

    kernelspec.py            puts its settings into the user's folder of kernels
    kernelspec.py --remove   takes them out again

Jupyter looks into that folder whatever environment it runs in, and VS Code does, too. The
settings name this clone by its path, so notebooks may lie anywhere.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

import ending
import kernel
import project
from project import Problem

LAUNCHER = ("environment", "kernel", "launch.py")


def manager() -> KernelSpecManager:
    """One that sees the user's own folder alone."""
    found = KernelSpecManager()
    found.kernel_dirs = [found.user_kernel_dir]
    return found


def installed() -> Path:
    return Path(manager().user_kernel_dir) / kernel.NAME


def owner(folder: Path) -> "Path | None":
    """The clone whose kernel stands there; none where it is no kernel of this project's."""
    try:
        started = json.loads((folder / "kernel.json").read_text(encoding="utf-8"))["argv"]
        launcher = Path(started[1])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return launcher.parents[2] if launcher.parts[-3:] == LAUNCHER else None


def install() -> None:
    kernel.need_program()
    place = installed()
    before = owner(place)
    if place.exists() and before is None:
        raise Problem(f"{place} is there, and is no kernel of this project: move it away")
    with tempfile.TemporaryDirectory() as folder:
        settings = json.dumps(kernel.settings(), indent=2) + "\n"
        (Path(folder) / "kernel.json").write_text(settings, encoding="utf-8")
        manager().install_kernel_spec(folder, kernel_name=kernel.NAME, user=True)
    if before not in (None, project.ROOT):
        print(f"it takes the place of that of {before}")
    print(f"kernel {kernel.DISPLAY_NAME!r} installed: {place}")


def remove() -> None:
    place = installed()
    if not place.exists():
        print(f"nothing to remove: {place} is not there")
        return
    clone = owner(place)
    if clone is None:
        raise Problem(f"{place} is no kernel of this project: it was not removed")
    if clone != project.ROOT and clone.exists():
        raise Problem(f"{place} is the kernel of {clone}: run `make kernelspec-remove` there")
    manager().remove_kernel_spec(kernel.NAME)
    print(f"removed: {place}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Put the kernel into the user's own Jupyter.")
    parser.add_argument("--remove", action="store_true", help="take it out again")
    arguments = parser.parse_args()
    return ending.run(remove if arguments.remove else install, installed)


if __name__ == "__main__":
    sys.exit(main())
