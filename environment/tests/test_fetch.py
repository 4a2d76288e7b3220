"""Downloads of single files from servers that do what they should not."""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

import fetch
from project import Problem

CONTENT = bytes(range(256)) * 40
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
WHOLE = HEAD % len(CONTENT) + CONTENT
# A connection is closed with a reset where this is set to 0 seconds.
LINGER = b"\x01\0\0\0\0\0\0\0"


class Server:
    """Each connection is given to the next of these, the last one again and again."""

    def __init__(self, *answers) -> None:
        self.answers, self.asked = answers, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self) -> Server:
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ends.set()
        with contextlib.suppress(OSError):
            socket.create_connection(self.socket.getsockname(), 1).close()
        self.thread.join()
        self.socket.close()

    def serve(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            if self.ends.is_set():
                connection.close()
                return
            answer = self.answers[min(self.asked, len(self.answers) - 1)]
            self.asked += 1
            threading.Thread(target=self.answer, args=(connection, answer), daemon=True).start()

    def answer(self, connection: socket.socket, answer) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            if isinstance(answer, bytes):
                connection.sendall(answer)
            else:
                answer(self, connection)

    def address(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/file"


def silent(server: Server, _: socket.socket) -> None:
    server.ends.wait(5)


def stalls(server: Server, connection: socket.socket) -> None:
    connection.sendall(HEAD % len(CONTENT) + CONTENT[:100])
    server.ends.wait(5)


def drips(server: Server, connection: socket.socket) -> None:
    connection.sendall(HEAD % len(CONTENT))
    for place in range(len(CONTENT)):
        if server.ends.wait(0.05):
            return
        connection.sendall(CONTENT[place:place + 1])


def drips_its_head(server: Server, connection: socket.socket) -> None:
    for byte in HEAD[:17] + b"X-Fill: " + b"x" * 1000:
        if server.ends.wait(0.05):
            return
        connection.sendall(bytes([byte]))


def drips_and_leads_on(server: Server, connection: socket.socket) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {server.address()}\r\nContent-Length: 999\r\n\r\n"
    connection.sendall(head.encode())
    while not server.ends.wait(0.05):
        connection.sendall(b"x")


def resets(_: Server, connection: socket.socket) -> None:
    connection.sendall(HEAD % len(CONTENT) + CONTENT[:100])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)


def endless(server: Server, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not server.ends.is_set():
        connection.sendall(CONTENT)


def leads_on(server: Server, connection: socket.socket) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {server.address()}\r\nContent-Length: 0\r\n\r\n"
    connection.sendall(head.encode())


def name(answer) -> str:
    return repr(answer[:30]) if isinstance(answer, bytes) else answer.__name__


class SingleFiles(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.target = Path(folder.name) / "file"

    def fetch(self, *answers, size: "int | None" = len(CONTENT), attempts: int = 2,
              seconds: float = 0.4) -> "tuple[str, int]":
        """What was printed, and how often the server was asked."""
        with Server(*answers) as server, io.StringIO() as said, contextlib.redirect_stdout(said):
            try:
                fetch.from_address(server.address(), self.target, "rows", size, "get it elsewhere",
                                   attempts, seconds)
            finally:
                self.asked = server.asked
            return said.getvalue(), server.asked

    def fails(self, *answers, **more) -> str:
        began = time.monotonic()
        with self.assertRaises(Problem) as raised:
            self.fetch(*answers, **more)
        # Far below what the server would take: the wait has an end.
        self.assertLess(time.monotonic() - began, 4)
        said = str(raised.exception)
        self.assertTrue(said.startswith("rows: ") and said.endswith(": get it elsewhere"), said)
        self.assertEqual(len(said.splitlines()), 1)
        return said.split(": ")[1]

    def test_a_whole_file(self) -> None:
        self.assertEqual(self.fetch(WHOLE), ("", 1))
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_each_fault_is_one_line_after_a_second_attempt(self) -> None:
        short, long = HEAD % 100 + CONTENT[:100], HEAD % (len(CONTENT) + 1) + CONTENT + b"x"
        longer = f"longer than the {len(CONTENT):,} bytes that it should have"
        for answer, reason in (
            (HEAD % len(CONTENT) + CONTENT[:100], "the download broke off"),
            (short, "the download broke off"),
            (long, longer),
            (endless, longer),
            (resets, "the download broke off"),
            (b"", "the download broke off"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "the download broke off"),
            (silent, "cannot be reached (timed out)"),
            (stalls, "cannot be reached (timed out)"),
            (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "the address answers 503"),
            (b"HTTP/1.1 429 Wait\r\nContent-Length: 0\r\n\r\n", "the address answers 429"),
        ):
            with self.subTest(name(answer)):
                self.assertEqual(self.fails(answer), reason)
                self.assertEqual(self.asked, 2)

    def test_each_byte_in_time_and_the_file_never(self) -> None:
        self.assertRegex(self.fails(drips, attempts=1), r"^too slow$")

    def test_each_byte_in_time_and_the_head_never(self) -> None:
        for answer in (drips_its_head, drips_and_leads_on):
            with self.subTest(name(answer)):
                self.assertEqual(self.fails(answer), "too slow")
                self.assertEqual(self.asked, 2)
        # An alarm that was not needed never comes.
        self.fetch(WHOLE, seconds=0.05)
        time.sleep(0.2)

    def test_what_another_attempt_does_not_change_is_not_asked_again(self) -> None:
        self.assertEqual(self.fails(b"HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n"),
                         "the address answers 404")
        self.assertEqual(self.asked, 1)

    def test_without_a_known_length_the_disk_is_not_filled(self) -> None:
        usage = mock.Mock(free=fetch.SPARE_BYTES + 5000)
        with mock.patch.object(fetch.shutil, "disk_usage", return_value=usage):
            self.assertEqual(self.fails(endless, size=None, attempts=1),
                             "longer than the 5,000 bytes that there is room for")
        self.assertLessEqual(self.target.stat().st_size, 5000)

    def test_a_redirect_in_a_circle_has_an_end(self) -> None:
        self.assertEqual(self.fails(leads_on), "the address answers 302")
        self.assertLess(self.asked, 15)

    def test_after_a_fault_a_whole_file(self) -> None:
        for fault in (stalls, resets, endless, b""):
            with self.subTest(name(fault)):
                said, asked = self.fetch(fault, WHOLE)
                self.assertRegex(said, "^  rows: .*; starting again\n$")
                self.assertEqual(asked, 2)
                self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_how_far_it_is(self) -> None:
        def slowly(_: Server, connection: socket.socket) -> None:
            connection.sendall(WHOLE[:-1])
            time.sleep(0.2)
            connection.sendall(WHOLE[-1:])
        with mock.patch.object(fetch, "TALK_SECONDS", 0.1):
            said, _ = self.fetch(slowly)
        self.assertRegex(said, r"^  rows: 0 MB of 0 MB, 0 s\n$")


class Pip(unittest.TestCase):
    def test_one_that_says_nothing_is_ended(self) -> None:
        sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.multiple(fetch, TALK_SECONDS=0.05, SILENT_SECONDS=0.2), \
                contextlib.redirect_stdout(io.StringIO()), \
                self.assertRaisesRegex(Problem, r"^torch: nothing came for 0 s; connect this machine"):
            fetch.watched(sleeps, Path(folder), "torch", None)

    def test_one_that_goes_on_is_waited_for(self) -> None:
        writes = ("import time\nfor at in range(12):\n    open(str(at), 'wb').write(b'x' * 20000)\n"
                  "    time.sleep(0.1)\n")
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.multiple(fetch, TALK_SECONDS=0.05, SILENT_SECONDS=0.6), \
                contextlib.redirect_stdout(io.StringIO()):
            command = [sys.executable, "-c", f"import os; os.chdir({folder!r})\n{writes}"]
            self.assertIsNone(fetch.watched(command, Path(folder), "torch", None))


if __name__ == "__main__":
    unittest.main()
