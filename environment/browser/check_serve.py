"""The server's page as a user meets it: files chosen and dropped, by mouse and by keys; what it says
when something is wrong; and that no other site's page gets anything from it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import project
from browser import axe
from browser.in_browser import InBrowser
from project import Problem

# Prints `serving on ADDRESS` and serves until it is ended. Its analysis is a stand-in, which marks
# sentences of more than 80 characters.
COMMAND = ["cargo", "run", "--quiet", "--example", "serve_stand_in", "--", "--port", "0"]
REPORT = ("Two things are short. The group sent a document with a macro that starts PowerShell from "
          "hxxp://evil.example/a and hides it. Nothing else. After that it dumped the memory of the "
          "process that holds the passwords of all users who are logged in. ")
MARKED = ["The group sent a document with a macro that starts PowerShell from "
          "hxxp://evil[.]example/a and hides it. ",
          "After that it dumped the memory of the process that holds the passwords of all users who "
          "are logged in. "]
LOOKS = (({"width": 1280}, None), ({"width": 1280, "dark": True}, ["color-contrast"]),
         ({"width": 400}, ["target-size", "meta-viewport"]))
DROP = """(files => {
  const data = new DataTransfer();
  for (const [name, size] of files) data.items.add(new File([new Uint8Array(size).fill(97)], name));
  const event = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
  document.getElementById("drop").dispatchEvent(event);
})(%s)"""
TAB, ENTER = ("Tab", 9), ("Enter", 13, "\r")


class Served(InBrowser):
    @classmethod
    def setUpClass(cls) -> None:
        if not (project.kernel_seat() / "target").exists():
            raise unittest.SkipTest("nothing is compiled: cargo test --workspace --no-run")
        cls.process, cls.home = cls.start()
        try:
            super().setUpClass()
        except BaseException:
            cls.end(cls.process)
            raise

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        cls.end(cls.process)

    @staticmethod
    def start() -> "tuple[subprocess.Popen, str]":
        environment = {**os.environ, **project.cargo_variables()}
        process = subprocess.Popen(COMMAND, cwd=project.ROOT, env=environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        words = process.stdout.readline().split()
        if words[:2] != ["serving", "on"]:
            Served.end(process)
            raise AssertionError(f"{' '.join(COMMAND)} did not start: {words}")
        return process, words[2]

    @staticmethod
    def end(process: subprocess.Popen) -> None:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def text(self, selector: str) -> str:
        return self.browser.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def test_files_are_read_and_their_sentences_marked(self) -> None:
        self.browser.visit(self.home)
        self.assertEqual(self.browser.complaints(), [])
        files = [self.file("Bericht März.txt", REPORT.encode()), self.file("b.txt", b"Short. ")]
        self.browser.choose_files("#file", files)
        self.assertEqual(self.browser.evaluate("[...document.querySelectorAll('#chosen li')]"
                                               ".map(item => item.textContent)"),
                         [f"Bericht März.txt, {len(REPORT)} bytes", "b.txt, 7 bytes"])
        self.browser.evaluate("document.getElementById('send').click()")
        self.browser.wait_for("location.pathname === '/report' && document.readyState === 'complete'")
        self.assertEqual(self.browser.evaluate("[...document.querySelectorAll('mark')]"
                                               ".map(mark => mark.textContent)"), MARKED)
        self.assertEqual(self.browser.evaluate("[...document.querySelectorAll('h2')]"
                                               ".map(name => name.textContent)"),
                         ["Bericht März.txt", "b.txt"])
        self.assertEqual(self.text("#script"), "a script ran")
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('a[href]').length"), 0)
        self.assertEqual(self.browser.complaints(), [])
        asked = self.browser.requests()
        self.assertTrue(all(address.startswith(self.home) for address in asked), asked)
        # A text of others that became a script could do nothing with it.
        self.assertEqual(self.browser.evaluate("window.origin"), "null")
        self.assertEqual(self.browser.evaluate(
            "fetch('/health').then(() => 'came', () => 'refused')"), "refused")

    def test_files_are_dropped(self) -> None:
        self.browser.visit(self.home)
        self.browser.evaluate(DROP % json.dumps([["a b.txt", 200], ["c.txt", 3000]]))
        self.assertEqual(self.browser.evaluate("[...document.querySelectorAll('#chosen li')]"
                                               ".map(item => item.textContent)"),
                         ["a b.txt, 200 bytes", "c.txt, 2.9 KiB"])
        self.browser.evaluate("document.getElementById('send').click()")
        self.browser.wait_for("document.querySelectorAll('mark').length === 2")

    def test_all_of_it_by_keys(self) -> None:
        self.browser.visit(self.home)
        self.browser.choose_files("#file", [self.file("a.txt", REPORT.encode())])
        reached = []
        for _ in range(3):
            self.browser.press(*TAB)
            reached.append(self.browser.evaluate("document.activeElement.id"))
        self.assertEqual(reached, ["file", "precision", "send"])
        self.browser.press(*ENTER)
        self.browser.wait_for("document.querySelectorAll('mark').length === 2")

    def test_what_is_too_large_is_not_sent(self) -> None:
        self.browser.visit(self.home)
        self.browser.evaluate(DROP % json.dumps([["big.pdf", 65 << 20]]))
        wrong = "65.0 MiB together: at most 64.0 MiB at once."
        self.assertEqual(self.text("#wrong"), wrong)
        self.browser.evaluate("document.getElementById('send').click()")
        self.assertEqual((self.text("#wrong"), self.text("#state")), (wrong, ""))
        self.browser.evaluate(DROP % json.dumps([[f"{n}.txt", 1] for n in range(101)]))
        self.assertEqual(self.text("#wrong"), "101 files: at most 100 at once.")
        self.browser.evaluate(DROP % json.dumps([["small.txt", 1]]))
        self.assertEqual(self.text("#wrong"), "")

    def test_a_file_that_cannot_be_read_is_named(self) -> None:
        self.browser.visit(self.home)
        self.browser.choose_files("#file", [self.file("<i>ä.txt", b"\xff\xfe\x00")])
        self.browser.evaluate("document.getElementById('send').click()")
        self.browser.wait_for("location.pathname === '/report' && document.readyState === 'complete'")
        self.assertEqual(self.text("[role=alert]"), "<i>ä.txt: not UTF-8")
        self.assertEqual(self.browser.evaluate("document.querySelector('a').href"), self.home)
        self.browser.evaluate("document.querySelector('a').click()")
        self.browser.wait_for("!!document.getElementById('send')")

    def test_another_sites_page_gets_nothing(self) -> None:
        page = self.file("evil.html", (
            f"<form method=post enctype=multipart/form-data action={self.home}report>"
            "<input type=file name=file></form>").encode())
        self.browser.open(page)
        self.assertEqual(self.browser.evaluate(
            f"fetch('{self.home}health').then(() => 'came', () => 'refused')"), "refused")
        self.browser.evaluate("document.forms[0].submit()")
        self.browser.wait_for("location.pathname === '/report' && document.readyState === 'complete'")
        self.assertEqual(self.text("[role=alert]"), "sent by a page of another site")

    def test_a_server_that_was_ended(self) -> None:
        process, home = self.start()
        try:
            self.browser.visit(home)
            self.browser.choose_files("#file", [self.file("a.txt", b"x")])
        finally:
            self.end(process)
        self.browser.evaluate("document.getElementById('send').click()")
        said = self.browser.wait_for("document.getElementById('wrong').textContent")
        self.assertTrue(said.startswith("The server does not answer."), said)
        self.assertFalse(self.browser.evaluate("document.getElementById('send').disabled"))

    def test_everybody_can_use_it(self) -> None:
        try:
            rules_of_all = axe.script()
        except Problem as problem:
            self.skipTest(f"axe-core cannot be had: {problem}")
        for address in (self.home, f"{self.home}report"):
            for look, rules in LOOKS:
                with self.subTest(address, **look):
                    self.browser.visit(address, **look)
                    self.assertEqual(axe.violations(self.browser, rules_of_all, rules), [])


if __name__ == "__main__":
    unittest.main()
