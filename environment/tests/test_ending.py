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

# A program of its own, whatever signals who runs the tests has passed over.
PROGRAM = """
import signal, sys, time
sys.path.insert(0, {folder!r})
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.{hangup})
import ending
def work():
    print("begun", flush=True)
    {work}
sys.exit(ending.run(work, lambda: "there"))
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

    def started(self, work: str, hangup: str = "SIG_DFL") -> subprocess.Popen:
        program = PROGRAM.format(folder=str(project.ENVIRONMENT), work=work, hangup=hangup)
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        process.stdout.readline()
        return process

    def test_a_request_to_end_is_one_line(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            process = self.started("time.sleep(60)")
            process.send_signal(number)
            self.assertEqual((process.communicate(timeout=30)[1], process.returncode), ("\nstopped\n", 130))

    def test_under_nohup_a_hang_up_is_passed_over(self) -> None:
        process = self.started("time.sleep(1)", "SIG_IGN")
        process.send_signal(signal.SIGHUP)
        self.assertEqual((process.communicate(timeout=30)[1], process.returncode), ("", 0))

    def test_a_closed_pipe_is_no_traceback(self) -> None:
        for text in ("print('x' * 100_000, flush=True)", "print('x')"):
            process = self.started(f"time.sleep(0.5); {text}")
            process.stdout.close()
            self.assertEqual((process.stderr.read(), process.wait(30)), ("", 1))

    @unittest.skipUnless(Path("/dev/full").exists(), "no /dev/full here")
    def test_a_full_disk_under_standard_output_is_one_line(self) -> None:
        program = PROGRAM.format(folder=str(project.ENVIRONMENT), work="pass", hangup="SIG_DFL")
        with open("/dev/full", "w") as full:
            done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.splitlines()[0],
                         "error: there: No space left on device (make room and run it again)")


if __name__ == "__main__":
    unittest.main()
