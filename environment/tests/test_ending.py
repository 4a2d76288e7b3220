"""A command's last line and its exit status."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

import ending
import project
from project import Problem

SLEEPS = """
import sys, time
sys.path.insert(0, {folder!r})
import ending
def work():
    print("begun", flush=True)
    time.sleep(60)
sys.exit(ending.run(work, None))
"""


class Ending(unittest.TestCase):
    def setUp(self) -> None:
        for name in (signal.SIGTERM, signal.SIGHUP):
            self.addCleanup(signal.signal, name, signal.getsignal(name))

    def ends(self, error: "BaseException | int | None") -> "tuple[int, str]":
        def work() -> "int | None":
            if isinstance(error, BaseException):
                raise error
            return error

        with contextlib.redirect_stderr(io.StringIO()) as said:
            status = ending.run(work, lambda: Path("/there"))
        return status, said.getvalue()

    def test_each_end_has_its_status_and_line(self) -> None:
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        for error, status, line in (
            (None, 0, ""),
            (7, 7, ""),
            (Problem("a.toml, row 1: no name"), 1, "error: a.toml, row 1: no name\n"),
            (PermissionError(errno.EACCES, "Permission denied", "/a"), 1, "error: /a: Permission denied\n"),
            (full, 1, "error: /there: No space left on device (make room and run it again)\n"),
            (KeyboardInterrupt(), 130, "\nstopped\n"),
        ):
            self.assertEqual(self.ends(error), (status, line))

    def test_what_is_no_error_of_the_user_is_seen_whole(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            self.ends(ZeroDivisionError())

    def test_a_request_to_end_is_one_line(self) -> None:
        program = SLEEPS.format(folder=str(project.ENVIRONMENT))
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as process:
                process.stdout.readline()
                process.send_signal(number)
                self.assertEqual((process.communicate()[1], process.returncode), ("\nstopped\n", 130))


if __name__ == "__main__":
    unittest.main()
