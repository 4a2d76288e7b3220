"""Starts one notebook kernel in a build folder that no other kernel uses.

Called by Jupyter through the kernel's own settings file. The first kernel gets
target/evcxr/0, which `make kernel` has filled; while that is in use, the next gets
a copy of it as target/evcxr/1, and so on. A folder is held by a lock on a file
beside it, which the system lets go when the kernel's last process ends.
"""

import fcntl
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import analysis

SEATS = 16
# A kernel that was told to end needs a moment. Copying a build folder takes longer.
WAIT_SECONDS = 5.0
ATTEMPTS = 3
LOOK_SECONDS = 1.0
# As many bytes of a file are copied by one call.
MOST_BYTES = 1 << 30


def lock_of(folder: Path, number: int) -> "int | None":
    lock = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def take_seat(folder: Path) -> "tuple[Path, int]":
    """The first build folder that is free, filled, and its lock, which the kernel inherits."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        late = time.monotonic() > end
        for number in range(SEATS):
            seat = folder / str(number)
            if not (late or number == 0 or seat.is_dir()):
                continue
            lock = lock_of(folder, number)
            if lock is not None:
                os.set_inheritable(lock, True)
                if number > 0:
                    fill(seat, folder / "0")
                seat.mkdir(exist_ok=True)
                return seat, lock
        if late:
            sys.exit(f"{SEATS} kernels of this project are running; stop one of them")
        time.sleep(0.1)


def fill(seat: Path, first: Path) -> None:
    """Copies what is compiled, unless this copy was made from the same build."""
    stamp, made_from = first / "built", seat / "built"
    wanted = stamp.read_bytes() if stamp.exists() else b""
    if seat.is_dir() and made_from.exists() and made_from.read_bytes() == wanted:
        return
    half = seat.with_name(seat.name + ".tmp")
    shutil.rmtree(seat, ignore_errors=True)
    if not first.is_dir():
        return
    print(f"copying {first} to {seat}", flush=True)
    # What the compiler keeps to compile an edit faster stays behind: many sessions leave more of it
    # than can be copied while Jupyter waits for its kernel.
    without = shutil.ignore_patterns("incremental")
    why: "object" = ""
    for _ in range(ATTEMPTS):
        shutil.rmtree(half, ignore_errors=True)
        try:
            shutil.copytree(first, half, symlinks=True, ignore=without, copy_function=copy_file)
        except OSError as error:
            # The kernel that has the first folder may take a file away under the copying. An error
            # of shutil has a list of all files and reasons.
            why = error.args[0][0][2] if isinstance(error, shutil.Error) else error
        else:
            half.rename(seat)
            return
    shutil.rmtree(half, ignore_errors=True)
    print(f"{first} could not be copied ({why}): this kernel compiles everything anew", flush=True)


def copy_file(source: str, target: str) -> None:
    """With its time, by which cargo sees that it is up to date; where the file system can, the two
    share their blocks."""
    try:
        with open(source, "rb") as old, open(target, "wb") as new:
            while os.copy_file_range(old.fileno(), new.fileno(), MOST_BYTES):
                pass
            # Some file systems of a network copy nothing and say no error.
            if os.fstat(new.fileno()).st_size != os.fstat(old.fileno()).st_size:
                raise OSError("not all was copied")
        shutil.copystat(source, target)
    except (AttributeError, OSError):
        shutil.copy2(source, target)


def end_with(jupyter: int, lock: int) -> None:
    """A process beside the kernel that ends what is left of it: the cell that it was
    running when it was killed, or all of it when Jupyter was."""
    kernel = os.getpid()
    if os.getpgrp() != kernel or os.fork():
        return
    os.close(lock)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while os.getppid() == kernel and is_alive(jupyter):
        time.sleep(LOOK_SECONDS)
    os.killpg(kernel, signal.SIGKILL)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def path_with_cargo(path: str) -> str:
    """A Jupyter that was not started from a terminal may not have cargo's folder on its PATH."""
    if shutil.which("cargo", path=path):
        return path
    home = os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo")
    return os.pathsep.join(filter(None, [path, os.path.join(home, "bin")]))


def watched() -> int:
    """The process with which the kernel ends: the runner, as it says itself, since it may be gone
    before this program runs; else Jupyter, which has started this."""
    return int(os.environ.pop("TTP_RUNNER", "") or os.getppid())


def main() -> None:
    jupyter = watched()
    folder, kernel, connection = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    folder.mkdir(parents=True, exist_ok=True)
    seat, held = take_seat(folder)
    # The kernel talks to Jupyter over sockets; what it prints itself is for the log.
    log = os.open(folder / f"{seat.name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ["PATH"] = path_with_cargo(os.environ.get("PATH", ""))
    os.environ["EVCXR_TMPDIR"] = str(seat)
    os.environ.update(analysis.toolchain(folder / "analysis"))
    end_with(jupyter, held)
    os.execv(kernel, [kernel, "--control_file", connection])


if __name__ == "__main__":
    main()
