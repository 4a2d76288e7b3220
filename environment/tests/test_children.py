"""Programs that end with the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import children
import project
from tests.support import ended, until

# Starts another program, writes both process ids, and waits.
FAMILY = """\
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
half = pathlib.Path(sys.argv[1] + ".half")
half.write_text(f"{os.getpid()} {child.pid}")
half.replace(sys.argv[1])
time.sleep(600)
"""
PARENT = """\
import sys
sys.path.insert(0, sys.argv[1])
import children
children.start([sys.executable, "-c", *sys.argv[2:]]).wait()
"""


class Children(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.pids = Path(folder.name) / "pids"

    def family(self) -> "list[int]":
        until(self.pids.exists, "the program did not begin")
        return [int(pid) for pid in self.pids.read_text().split()]

    def start(self, code: str, *arguments: str, **more) -> subprocess.Popen:
        process = children.start([sys.executable, "-c", code, *arguments], **more)
        self.addCleanup(process.wait)
        self.addCleanup(children.tell, process, signal.SIGKILL)
        return process

    def test_all_are_killed_once_the_parent_is_gone(self) -> None:
        for number in (signal.SIGKILL, signal.SIGTERM):
            self.pids.unlink(missing_ok=True)
            parent = subprocess.Popen([sys.executable, "-c", PARENT, str(project.ENVIRONMENT),
                                       FAMILY, str(self.pids)])
            family = self.family()
            os.kill(parent.pid, number)
            self.assertEqual(parent.wait(), -number)
            until(lambda: all(map(ended, family)), "what it started is still running")

    def test_all_end_when_they_are_told_to(self) -> None:
        process = self.start(FAMILY, str(self.pids))
        family = self.family()
        children.tell(process, signal.SIGTERM)
        self.assertEqual(process.wait(30), 128 + signal.SIGTERM)
        until(lambda: all(map(ended, family)), "what it started is still running")
        # Nobody is there to be told any more.
        children.tell(process, signal.SIGTERM)

    def test_one_that_takes_its_time_to_end_is_waited_for(self) -> None:
        code = ("import signal, sys, time\n"
                "signal.signal(signal.SIGTERM, lambda *_: (print('last words'), sys.exit(3)))\n"
                "print('begun', flush=True)\ntime.sleep(600)")
        process = self.start(code, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), "begun\n")
        children.tell(process, signal.SIGTERM)
        self.assertEqual(process.stdout.read(), "last words\n")
        self.assertEqual(process.wait(30), 3)

    def test_its_status_input_and_files_are_passed_on(self) -> None:
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        code = (f"import os, sys\nos.write({write}, sys.stdin.buffer.read())\n"
                "sys.exit(int(os.environ['STATUS']))")
        process = self.start(code, pass_fds=(write,), stdin=subprocess.PIPE,
                             env={**os.environ, "STATUS": "7"})
        os.close(write)
        process.communicate(b"text")
        self.assertEqual((process.returncode, os.read(read, 9)), (7, b"text"))
        # The program is gone and has closed it.
        self.assertEqual(os.read(read, 9), b"")

    def test_a_program_that_is_not_there(self) -> None:
        process = children.start(["no-such-program"], stderr=subprocess.PIPE, text=True)
        said = process.communicate()[1]
        self.assertEqual((process.returncode, said),
                         (127, "error: no-such-program: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main()
