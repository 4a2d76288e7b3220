"""`make test-faults`, that it sees what is lost."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path
from unittest import mock

import test_all
from faults import __main__ as faults
from faults import commands, notebooks, states, tiny
from faults.commands import Command
from tests import support


def program(folder: Path, text: str) -> Path:
    path = folder / "ttp"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def state(best: "list | None") -> bytes:
    """A training's state without tensors, as the engine writes it."""
    about = json.dumps({"about": {"best": best}}).encode()
    length = len(states.MAGIC) + states.NUMBERS + len(about) + states.DIGEST
    content = states.MAGIC + (1).to_bytes(4, "little") + length.to_bytes(8, "little")
    content += len(about).to_bytes(8, "little") + about
    return content + hashlib.sha256(content).digest()


# A training of two epochs, each of which writes its model as a folder, in one process: operations
# are counted in each by itself.
EPOCHS = f"""exec {sys.executable} - "$1" << 'END'
import os, shutil, sys
model = sys.argv[1]
for number in "12":
    shutil.rmtree(model + ".new", ignore_errors=True)
    os.makedirs(model + ".new")
    for name in ("weights", "history"):
        with open(os.path.join(model + ".new", name), "w") as file:
            file.write(number)
    shutil.rmtree(model, ignore_errors=True)
    os.rename(model + ".new", model)
END"""


@unittest.skipUnless(shutil.which("cc"), "no C compiler")
class Faults(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def case(self, script: str) -> faults.Case:
        machine = faults.Machine(program(self.folder, script), self.folder / "work")
        return faults.Case(machine, Command("one", ["{out}/a"]))

    def test_a_file_written_in_place_is_seen(self) -> None:
        case = self.case('mkdir -p "$TTP_OUT"; printf half > "$1"; printf whole >> "$1"')
        case.prepare(True)
        (case.machine.out / "a").write_text("half")
        with self.assertRaisesRegex(faults.Lost, "a is half"):
            case.whole(True)

    def test_a_model_of_an_earlier_epoch_is_whole_and_a_mixture_is_not(self) -> None:
        machine = faults.Machine(program(self.folder, EPOCHS), self.folder / "work")
        case = faults.Case(machine, Command("one", ["{out}/a"], epochs=("a",)))
        self.assertEqual(len(case.versions["a"]), 2)
        case.prepare(True)
        model = machine.out / "a"

        def write(weights: str, history: str) -> None:
            (model / "weights").write_text(weights)
            (model / "history").write_text(history)

        for number in "12":
            write(number, number)
            case.whole(True)
        for weights, history in ("12", "21", "33", "1 "):
            write(weights, history)
            with self.assertRaisesRegex(faults.Lost, "a is half, or not of one epoch"):
                case.whole(True)

    def test_a_file_that_is_gone_is_seen(self) -> None:
        case = self.case('mkdir -p "$TTP_OUT"; printf whole > "$1"')
        case.prepare(True)
        (case.machine.out / "a").unlink()
        with self.assertRaisesRegex(faults.Lost, "a was there before, and is gone"):
            case.whole(True)

    def test_what_a_next_run_leaves_is_counted(self) -> None:
        case = self.case('mkdir -p "$TTP_OUT"; printf whole > "$1"')
        case.prepare(False)
        (case.machine.out / ".half-written-x").write_text("half")
        counts = Counter()
        case.recovers(counts)
        self.assertEqual(sum(counts.values()), 2)

    def trained(self, next_run: str) -> faults.Case:
        """A training that was ended with a state, and what the next run does."""
        case = self.case('mkdir -p "$TTP_OUT"; printf whole > "$1"')
        case.prepare(False)
        folder = case.machine.out / ".training-one"
        folder.mkdir()
        (folder / "step-0000000003.state").write_bytes(state(None))
        program(self.folder, f'printf whole > "$1"; {next_run}')
        return case

    def test_a_next_run_has_to_go_on_from_a_state_and_to_remove_it(self) -> None:
        says, removes = 'echo "note: goes on after step 3 of 9 (x)"', 'rm -r "$TTP_OUT/.training-one"'
        counts = Counter()
        case = self.trained(f"{says}; {removes}")
        case.recovers(counts)
        self.assertEqual((case.resumed, counts["went on from a kept state and ended equal"]), (1, 1))
        with self.assertRaisesRegex(faults.Lost, "the next run did not go on from it"):
            self.trained(removes).recovers(counts)
        with self.assertRaisesRegex(faults.Lost, "the next run did not remove .training-one"):
            self.trained(says).recovers(counts)
        # An empty folder is as much a thing that is left.
        with self.assertRaisesRegex(faults.Lost, "the next run did not remove .training-one"):
            self.trained(f'{says}; {removes}; mkdir "$TTP_OUT/.training-one"').recovers(counts)
        with self.assertRaisesRegex(faults.Lost, "the next run ended with another a"):
            self.trained(f'{says}; {removes}; printf other > "$1"').recovers(counts)

    def test_a_second_kill_is_looked_at_as_the_first_is(self) -> None:
        case = self.case('mkdir -p "$TTP_OUT"; printf whole > "$1"')
        draw = mock.Mock(random=lambda: 0.9, choice=max)

        def breaks(_case, _draw, _again, _at_operation, what: "list[str]") -> None:
            what.append(f"kill {len(what) + 1}")
            (case.machine.out / "a").write_text("whole" if len(what) == 1 else content)

        with mock.patch.object(faults, "kill_once", breaks):
            content = "whole"
            self.assertEqual(faults.kill(case, draw, Counter(), False), "killed twice")
            content = "half"
            with self.assertRaisesRegex(faults.Lost, "kill 1 and kill 2: a is half"):
                faults.kill(case, draw, Counter(), False)

    def test_a_state_that_cannot_be_written_is_one_line_and_no_failure(self) -> None:
        failed = faults.Operation("fsync", "/out/models/.training-one/.half-written-x")
        line = "note: the state of the training was not kept: /out/x: no space\n"

        def seen(status: int, output: str, operation: faults.Operation = failed) -> None:
            faults.state_not_kept(operation, status, output, False, Counter())

        seen(0, "trains\n" + line)
        for status, output in ((1, line), (0, "trains\n"), (0, line + line)):
            with self.assertRaisesRegex(faults.Lost, "its state could not be written"):
                seen(status, output)
        # A state that cannot be removed is no loss; another file's failure says nothing of states.
        seen(0, "trains\n", failed._replace(kind="unlink"))
        elsewhere = failed._replace(path="/out/models/one/config.json")
        seen(1, "trains\n", elsewhere)
        with self.assertRaisesRegex(faults.Lost, "the disk did not fail on a state"):
            seen(0, line, elsewhere)

    def test_each_kind_of_operation_fails_where_it_is_told_to(self) -> None:
        script = """import errno, os, sys
out = sys.argv[1]
def tried(do, *arguments):
    try:
        print(do(*arguments))
    except OSError as error:
        print(errno.errorcode[error.errno])
tried(os.mkdir, out + "/one")
file = os.open(out + "/a", os.O_WRONLY | os.O_CREAT)
tried(os.write, file, b"12345678")
tried(os.write, file, b"5678")
tried(os.ftruncate, file, 2)
tried(os.fsync, file)
tried(os.rename, out + "/a", out + "/b")
tried(os.unlink, out + "/b")
tried(os.rmdir, out + "/one")
"""
        machine = faults.Machine(program(self.folder, ""), self.folder / "work")
        machine.out.mkdir()

        def said(at: int, error: int = errno.EACCES, **more: str) -> "list[str]":
            shutil.rmtree(machine.out)
            machine.out.mkdir()
            machine.log.write_text("")
            variables = {**os.environ, "LD_PRELOAD": str(machine.library), **more,
                         "FAULTS_ROOT": str(machine.out), "FAULTS_LOG": str(machine.log),
                         "FAULTS_AT": str(at), "FAULTS_ERRNO": str(error)}
            done = subprocess.run([sys.executable, "-c", script, str(machine.out)], text=True,
                                  env=variables, stdout=subprocess.PIPE, check=True)
            return done.stdout.split()

        sound = ["None", "8", "4", "None", "None", "None", "None", "None"]
        self.assertEqual(said(0), sound)
        kinds = [operation.kind for operation in machine.operations()]
        self.assertEqual(kinds, ["mkdir", "open", "write", "write", "truncate", "fsync", "rename",
                                 "unlink", "unlink"])
        for number, place in ((5, 3), (8, 6), (9, 7)):
            self.assertEqual(said(number), [*sound[:place], "EACCES", *sound[place + 1:]])
        # Half of the bytes, and then none: of one write alone, or for as long as the disk is full,
        # which still lets a file be removed.
        full = [errno.ENOSPC]
        self.assertEqual(said(3, *full, FAULTS_SHORT="1"), ["None", "4", "ENOSPC", *sound[3:]])
        self.assertEqual(said(3, *full, FAULTS_SHORT="1", FAULTS_STAY="1"),
                         ["None", "4", *["ENOSPC"] * 4, "ENOENT", "None"])

    def test_few_faults_meet_every_command(self) -> None:
        met = []

        def survived(case: object, *_: object) -> str:
            met.append(case.command.name)
            return "met"

        small = [Command(str(number), ["{out}/a"]) for number in range(5)]
        script = program(self.folder, 'mkdir -p "$TTP_OUT"; printf whole > "$1"')
        killed = set()
        with mock.patch.multiple(faults, COMMANDS=small, kill=survived, disk=survived,
                                 told=lambda *_: "told"):
            for seed in range(3):
                met.clear()
                faults.run(script, self.folder / "work", 2, 1, 3, seed, say=lambda _: None)
                self.assertEqual(sorted(met), [command.name for command in small])
                killed.add(tuple(met[:2]))
        self.assertGreater(len(killed), 1, "the same are killed, whatever the seed")
        few = dict(zip(test_all.FEW_FAULTS[::2], map(int, test_all.FEW_FAULTS[1::2])))
        self.assertGreaterEqual(few["--kills"] + few["--disk"], len(commands.COMMANDS))

    def test_a_disk_that_fails_without_a_word_is_seen(self) -> None:
        case = self.case('mkdir -p "$TTP_OUT"; printf whole > "$1" 2> /dev/null || exit 3')
        made = [faults.Operation("mkdir", str(case.machine.out))]
        case.operations = {True: made, False: made}
        self.assertEqual(case.machine.run(case.command).status, 0)
        case.machine.run = lambda *_, **__: faults.Ended(3, "", "")
        with self.assertRaisesRegex(faults.Lost, "status 3"):
            faults.disk(case, faults.random.Random(1), Counter())


class States(unittest.TestCase):
    def test_a_state_can_be_used_where_it_is_whole_and_its_best_weights_are_there(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "models" / ".training-one"
            folder.mkdir(parents=True)
            path = folder / "step-0000000003.state"
            path.write_bytes(state([0.5, 2]))
            self.assertEqual(states.usable(Path(name)), [])
            (folder / "best-000002.state").write_bytes(state(None))
            self.assertEqual(states.usable(Path(name)), [path])
            path.write_bytes(state([0.5, 2])[:-1])
            with self.assertRaisesRegex(faults.Lost, "step-0000000003.state is half"):
                states.usable(Path(name))


class NotebookFaults(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_a_file_that_breaks_off_is_seen(self) -> None:
        weights = tiny.safetensors({"bert.pooler.dense.bias": [8]})
        for name, whole in (("a.json", b'{"rows": 3}'), ("a.html", b"<html></html>\n"),
                            ("a.parquet", b"PAR1 rows PAR1"), ("a.svg", b"<svg></svg>"),
                            ("a.ipynb", b'{"cells": []}'), ("a.csv", b"text,label\nx,y\n"),
                            ("a.safetensors", weights)):
            path = self.folder / name
            path.write_bytes(whole)
            self.assertNotIn("broken", notebooks.digest(path), name)
            path.write_bytes(whole[:-2])
            self.assertIn("broken", notebooks.digest(path), name)

    def test_another_figure_is_seen_and_another_time_is_not(self) -> None:
        path = self.folder / "a.json"
        seen = []
        for score, seconds in ((0.5, 1), (0.5, 2), (0.6, 2)):
            path.write_text(json.dumps({"f1_macro": score, "train_seconds": seconds}))
            seen.append(notebooks.digest(path))
        self.assertEqual(seen[0], seen[1])
        self.assertNotEqual(seen[1], seen[2])

    def test_the_kernel_is_told_from_its_cells_and_from_what_watches_over_it(self) -> None:
        kernel = "/home/a/.cargo/bin/evcxr_jupyter"
        self.assertTrue(notebooks.is_kernel([kernel, "--control_file", "connection.json"]))
        for other in ([kernel, ""], ["python3", "launch.py", "target", kernel, "connection.json"],
                      ["cat", "--control_file", kernel], []):
            self.assertFalse(notebooks.is_kernel(other), other)

    @unittest.skipUnless(Path("/proc/self/environ").exists(), "no /proc here")
    def test_a_runner_that_hangs_is_ended_and_counted(self) -> None:
        disturbed = notebooks.Notebooks(self.folder / "work", [])
        process = subprocess.Popen(["sleep", "60"], env=disturbed.variables, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with mock.patch.object(notebooks, "SECONDS_TO_RUN", 0), \
                self.assertRaisesRegex(faults.Lost, "it hung"):
            disturbed.end(process)
        self.assertEqual(process.returncode, -9)

    def test_a_page_says_that_the_next_run_went_on(self) -> None:
        disturbed = notebooks.Notebooks(self.folder / "work", [])
        page = disturbed.out / "01_one.ipynb"
        disturbed.after = {page.name: "whole"}
        for text, resumed in (("note: trains", 0), ("note: goes on after step 3 of 9", 1),
                              ("note: goes on after step 3 of 9", 1)):
            write = lambda *_, text=text: page.write_text(json.dumps({"cells": [text]}))
            with mock.patch.object(disturbed, "sound_run", write):
                disturbed.recovers("01_one")
            self.assertEqual(disturbed.resumed["01_one"], resumed, text)

    @unittest.skipUnless(Path("/proc/self/environ").exists(), "no /proc here")
    def test_a_process_that_is_left_is_found(self) -> None:
        variables = {**os.environ, "TTP_OUT": str(self.folder)}
        process = subprocess.Popen(["sleep", "60"], env=variables)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        # A process that has just begun does not show its variables yet.
        support.until(lambda: notebooks.running(self.folder) == [process.pid], "it was not found")
        notebooks.kill(process.pid)
        support.until(lambda: support.ended(process.pid), "it was not killed")
        self.assertEqual(notebooks.running(self.folder), [])
        # It may have ended by itself.
        process.wait()
        notebooks.kill(2 ** 22 - 1)


if __name__ == "__main__":
    unittest.main()
