"""How a command of this folder ends: what went wrong in one line, and an exit status."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import fetch
from project import Problem


def heeded() -> "list[signal.Signals]":
    """The signals that end a command: under nohup, for one, a hang-up is to be passed over."""
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return [name for name in names if signal.getsignal(name) != signal.SIG_IGN]


def end_as_ctrl_c() -> None:
    """A request to end, or a terminal that is closed, is taken as Ctrl-C."""
    for name in heeded():
        signal.signal(name, signal.default_int_handler)


def run(work: "Callable[[], int | None]", place: "Callable[[], Path]", stopped: str = "stopped") -> int:
    """Does the work and returns the exit status: 1 after a `Problem` or an `OSError`, 130 after Ctrl-C.
    An error that names no file is said of `place()`."""
    end_as_ctrl_c()
    try:
        status = work() or 0
        sys.stdout.flush()
        return status
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever closed it (`| head`) has read enough. Python would write there once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        full = " (make room and run it again)" if error.errno in fetch.DISK_FULL else ""
        print(f"error: {error.filename or place()}: {error.strerror or error}{full}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if stopped:
            print(f"\n{stopped}", file=sys.stderr)
        return 130
