"""Starts one notebook kernel in a build folder that no other kernel uses.

Called by Jupyter through the kernel's own settings file. The first kernel gets
target/evcxr/0, which `make kernel` has filled; while that is in use, the next gets
a copy of it as target/evcxr/1, and so on. A folder is held by a lock on a file
beside it, which the system lets go when the kernel's last process ends.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

SEATS = 16


def take_seat(folder: Path) -> Path:
    """The first build folder that is free, filled. Its lock is left open on purpose:
    the kernel inherits it."""
    for number in range(SEATS):
        lock = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        os.set_inheritable(lock, True)
        seat = folder / str(number)
        if number > 0:
            fill(seat, folder / "0")
        return seat
    sys.exit(f"{SEATS} kernels of this project are running; stop one of them")


def fill(seat: Path, first: Path) -> None:
    """Copies what is compiled, unless this copy was made from the same build."""
    stamp, made_from = first / "built", seat / "built"
    wanted = stamp.read_bytes() if stamp.exists() else b""
    if seat.is_dir() and made_from.exists() and made_from.read_bytes() == wanted:
        return
    half = seat.with_name(seat.name + ".tmp")
    for old in (half, seat):
        shutil.rmtree(old, ignore_errors=True)
    if first.is_dir():
        print(f"copying {first} to {seat}", flush=True)
        command = ["cp", "-a", str(first), str(half)]
        if sys.platform == "linux":
            command.insert(2, "--reflink=auto")
        subprocess.run(command, check=True)
        half.rename(seat)
    else:
        seat.mkdir()


def main() -> None:
    folder, kernel, connection = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    folder.mkdir(parents=True, exist_ok=True)
    seat = take_seat(folder)
    # The kernel talks to Jupyter over sockets; what it prints itself is for the log.
    log = os.open(folder / f"{seat.name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ["EVCXR_TMPDIR"] = str(seat)
    # Later versions of what ttp-lib's dependencies depend on must not slip in.
    lock = folder.parent.parent / "Cargo.lock"
    if lock.exists():
        shutil.copyfile(lock, seat / "Cargo.lock")
    os.execv(kernel, [kernel, "--control_file", connection])


if __name__ == "__main__":
    main()
