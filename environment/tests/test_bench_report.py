"""What is measured of `ttp report` and `ttp serve`: what they are given, what is computed, and what
goes wrong, with a program that only answers as `ttp` does. The measurements themselves take the
release build and minutes: `make bench-report`, `make bench-serve`."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import sys
import tempfile
import unittest
import zlib
from pathlib import Path
from unittest import mock

from bench import program, report, serve
from project import Problem

# Answers as `ttp` does: every sentence that ends with a full stop is one.
TTP = """\
#!{python}
import itertools, json, pathlib, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    numbers = itertools.count(1)
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        number = next(Handler.numbers)
        time.sleep(0.01)
        body = b"{{}}" + b" " * ({growing} and number)
        self.send_response(200 if number <= {most} else 429)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

arguments = sys.argv[1:]
if arguments[0] == "serve":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print({says!r} + "127.0.0.1:%d/ (Ctrl-C ends it)" % server.server_port, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit({status})
out = pathlib.Path(arguments[arguments.index("--out") + 1])
out.mkdir(exist_ok=True)
text = pathlib.Path(arguments[1]).read_bytes()
read = [{{}}] * (text.count(b" on host ") - {lost} if arguments[1].endswith(".md") else 7)
(out / "report.json").write_text(json.dumps({{"documents": [{{"sentences": read}}]}}))
sys.exit({status})
"""


class Bench(unittest.TestCase):
    """With an empty folder for the program, its model and the results."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.model = self.folder / "model"
        self.model.mkdir()
        (self.model / "report-model.json").touch()
        for module in (report, serve):
            patch = mock.patch.object(module, "FOLDER", self.folder / "results")
            patch.start()
            self.addCleanup(patch.stop)

    def ttp(self, **changed) -> Path:
        path = self.folder / "ttp"
        settings = {"python": sys.executable, "growing": False, "most": 10 ** 9, "status": 0, "lost": 0,
                    "says": serve.SAYS, **changed}
        path.write_text(TTP.format(**settings))
        path.chmod(0o755)
        return path

    def run_main(self, module, *arguments: str, **changed) -> "tuple[int, str, dict]":
        """Exit status, what was said, and the results."""
        out = io.StringIO()
        words = ["x", "--ttp", str(self.ttp(**changed)), "--model", str(self.model), *arguments]
        with mock.patch.object(sys, "argv", words), contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(out), \
                mock.patch.object(program, "environment", lambda: None):
            status = module.main()
        results = self.folder / "results" / "results.json"
        found = json.loads(results.read_text()) if status == 0 else {}
        return status, out.getvalue(), found


class Read(unittest.TestCase):
    def test_there_are_as_many_sentences_as_are_asked_for_and_none_twice(self) -> None:
        found = report.sentences(report.SENTENCES)
        self.assertEqual(len(set(found)), report.SENTENCES)
        self.assertTrue(all(re.search(r" on host \d+\.$", sentence) for sentence in found))
        paragraphs = report.text(report.SENTENCES).split("\n\n")
        self.assertEqual(len(paragraphs), 1 + report.SENTENCES // report.IN_A_PARAGRAPH)

    def test_the_pdf_has_its_pages_and_its_objects_where_it_says(self) -> None:
        made = report.pdf(3)
        self.assertEqual(made.count(b"/Type /Page /Parent"), 3)
        start = int(made.rsplit(b"startxref\n", 1)[1].split()[0])
        self.assertTrue(made[start:].startswith(b"xref\n0 10\n"))
        for number, line in enumerate(made[start:].splitlines()[3:12], 1):
            self.assertTrue(made[int(line.split()[0]):].startswith(f"{number} 0 obj\n".encode()))
        content = zlib.decompress(made.split(b"stream\n", 1)[1].split(b"\nendstream")[0])
        self.assertIn(b"(This report was written for this project on host 1.", content)
        lines = content.count(b" Tj")
        self.assertTrue(report.LINES_A_PAGE - 10 < lines <= report.LINES_A_PAGE, lines)

    def test_percentiles_are_values_that_were_measured(self) -> None:
        values = [float(number) for number in range(100, 0, -1)]
        self.assertEqual([program.percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)],
                         [50.0, 95.0, 99.0, 100.0])
        self.assertEqual(program.percentile([7.0], 0.5), 7.0)


class Report(Bench):
    def test_all_is_measured_and_compared_with_the_targets(self) -> None:
        (self.model / "encoder").mkdir()
        status, said, found = self.run_main(report, "--rounds", "2")
        self.assertEqual(status, 0, said)
        self.assertEqual({what: one["sentences"] for what, one in found["measured"].items()},
                         {"linear": 300, "both": 300, "pdf": 7})
        seconds = found["measured"]["linear"]["seconds"]["median"]
        self.assertEqual(found["ratios"]["linear"], seconds / 0.5)
        self.assertEqual(found["ratio"], max(found["ratios"].values()))
        self.assertGreater(found["measured"]["pdf"]["peak_bytes"], 1 << 20)
        self.assertIn("processor", found["machine"])

    def test_without_an_encoder_both_are_not_measured(self) -> None:
        status, said, found = self.run_main(report, "--rounds", "1")
        self.assertEqual((status, sorted(found["measured"])), (0, ["linear", "pdf"]), said)
        self.assertIn("both: not measured: the model has no encoder", said)

    def test_what_cannot_be_measured_is_one_line(self) -> None:
        status, said, _ = self.run_main(report, status=1)
        self.assertEqual(status, 1)
        self.assertRegex(said, "^error: `.*ttp report .*` failed: its own message stands above\n$")
        status, said, _ = self.run_main(report, "--rounds", "1", lost=1)
        self.assertEqual(status, 1)
        self.assertIn("error: 299 sentences were read of 300: not what is to be measured\n", said)
        (self.model / "report-model.json").unlink()
        status, said, _ = self.run_main(report)
        self.assertEqual(status, 1)
        self.assertRegex(said, "report-model.json: not there: `make report-model` makes it\n$")
        arguments = argparse.Namespace(ttp=self.folder / "none", model=self.model)
        with self.assertRaisesRegex(Problem, "none: not there: `make ttp` makes it"):
            program.program(arguments)


class Serve(Bench):
    LOAD = ("--clients", "4", "--seconds", "1")

    def test_requests_percentiles_and_memory(self) -> None:
        status, said, found = self.run_main(serve, *self.LOAD)
        self.assertEqual((status, found["errors"]), (0, 0), said)
        self.assertGreater(found["requests"], 10)
        times = found["milliseconds"]
        self.assertTrue(10 <= times["p50"] <= times["p95"] <= times["p99"], times)
        alone = found["alone_milliseconds"]["median"]
        self.assertAlmostEqual(found["queue_milliseconds"], alone * 4 / 2)
        self.assertAlmostEqual(found["ratio"], times["p95"] / (3 * alone * 4 / 2))
        self.assertAlmostEqual(found["alone_times_clients_milliseconds"], alone * 4)
        resident = found["resident_bytes"]
        self.assertEqual(sorted(resident), ["before", "end", "settled", "started"])
        self.assertEqual(found["growth"], resident["end"] / resident["settled"])

    def test_refusals_and_other_answers_are_errors(self) -> None:
        status, said, found = self.run_main(serve, *self.LOAD, most=serve.ALONE + 5)
        self.assertEqual((status, found["requests"] - found["errors"]), (0, 5), said)
        self.assertIn("status 429", found["first_errors"][0])
        self.assertEqual(len(found["first_errors"]), serve.MOST_ERRORS_SHOWN)
        status, said, _ = self.run_main(serve, *self.LOAD, growing=True)
        self.assertEqual(status, 1)
        self.assertRegex(said, "^error: no request was answered: Problem: an answer of 2. bytes, the "
                               "first one has 3\n$")

    def test_a_server_that_does_not_serve_is_one_line(self) -> None:
        status, said, _ = self.run_main(serve, *self.LOAD, says="")
        self.assertEqual(status, 1)
        self.assertRegex(said, "^error: the server does not say where it listens: 127.*\n$")
        status, said, _ = self.run_main(serve, *self.LOAD, status=3)
        self.assertEqual(status, 1)
        self.assertRegex(said, "^error: the server ended with status 3: .*log.txt\n$")


if __name__ == "__main__":
    unittest.main()
