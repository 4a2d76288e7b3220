"""`make sweep` with a double of `ttp sweep`, on this machine; on Slurm: sweep/check_slurm.py."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import fetch
import machine
import project
from project import Problem
from sweep import __main__ as sweep_program
from sweep import slurm, snakemake_python
from sweep.progress import Progress
from tests import support

DOUBLE = Path(__file__).with_name("sweep_double.py")


def job(name: str, *needs: str, cost: float = 1.0, gpu: bool = True) -> dict:
    return {"id": name, "kind": "seed", "needs": ["prepare", *needs], "gpu": gpu, "cost": cost}


JOBS = [job("pretrain.a", cost=2.0), job("a.clean.seed-1", "pretrain.a"), job("b.clean.seed-1"),
        job("svm.clean.split-1", cost=0.5, gpu=False)]
NAMES = sorted(one["id"] for one in JOBS)


class Sweep(unittest.TestCase):
    """A folder, a profile, and the program of `make sweep`."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="ttp-sweep-")
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name).resolve()
        # A name as a user may choose it.
        self.folder = self.root / "my sweep {1}"
        self.profile("tiny")

    def profile(self, name: str, jobs: "list[dict] | None" = None, **more) -> None:
        self.path = self.root / f"{name}.json"
        profile = {"jobs": JOBS if jobs is None else jobs, "checkpoints": ["tfidf-svm"], **more}
        self.path.write_text(json.dumps(profile))

    def start(self, *arguments: str, program: "list[str] | None" = None,
              **variables: str) -> subprocess.Popen:
        environment = {**{name: value for name, value in os.environ.items()
                          if not name.startswith(("SWEEP", "SBATCH", "TTP_")) and name != "CUDA"},
                       "PYTHONPATH": str(project.ENVIRONMENT), "TTP_PROFILE": str(self.path),
                       "SWEEP_FOLDER": str(self.folder), **variables}
        double = ["--ttp", sys.executable, str(DOUBLE)]
        command = [sys.executable, "-m", "sweep", *arguments,
                   *(double if program is None else program)]
        process = subprocess.Popen(command, cwd=self.root, env=environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        self.addCleanup(self.put_away, process)
        return process

    def put_away(self, process: subprocess.Popen) -> None:
        if process.poll() is None:
            kill_all(process)
        process.stdout.close()
        process.stderr.close()

    def end(self, process: subprocess.Popen, status: int = 0) -> "tuple[str, str]":
        """Both of its outputs, once it has ended with this status."""
        out, err = process.communicate(timeout=240)
        self.assertEqual(process.returncode, status, out + err)
        self.assertNotIn("Traceback", out + err)
        return out, err

    def run_sweep(self, status: int = 0, **variables: str) -> "tuple[str, str]":
        return self.end(self.start(**variables), status)

    def one_line(self, *words: str, **variables: str) -> None:
        out, err = self.run_sweep(1, **variables)
        self.assertEqual((len(err.splitlines()), err[:7]), (1, "error: "), err)
        for word in words:
            self.assertIn(word, err)

    def ran(self) -> "list[str]":
        """The jobs that were begun, in their order."""
        file = self.folder / "ran.txt"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def results(self) -> "dict[str, bytes]":
        return {path.stem: path.read_bytes() for path in (self.folder / "jobs").glob("*.json")}

    def until_ran(self, count: int) -> None:
        support.until(lambda: len(self.ran()) >= count, f"no {count} jobs ran", 60)


def children(pid: int) -> "list[int]":
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def kill_all(process: subprocess.Popen) -> None:
    """As a machine that goes dark: the program, and the session of Snakemake that it began, which
    may end by itself by then."""
    groups = [os.getpgid(pid) for pid in [process.pid, *children(process.pid)]]
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    process.wait()


def need_snakemake() -> None:
    try:
        snakemake_python.python()
    except Problem as problem:
        raise unittest.SkipTest(f"no Snakemake: {problem}") from None


class Runs(Sweep):
    @classmethod
    def setUpClass(cls) -> None:
        need_snakemake()

    def test_jobs_run_once_in_their_order_and_it_is_said_how_far_it_is(self) -> None:
        out, _ = self.run_sweep()
        self.assertEqual(sorted(self.ran()), NAMES)
        self.assertLess(self.ran().index("pretrain.a"), self.ran().index("a.clean.seed-1"))
        self.assertRegex(out, r"\n  1 of 4: \S+ in 0 s; \d+ % of the work, .* jobs .*, \d+ s left\n")
        self.assertRegex(out, r"\n  4 of 4: \S+ in 0 s; 100 % of the work, [\d.]+ jobs a minute\n")
        self.assertTrue(out.endswith(f"complete: 4 of 4 jobs: {self.folder / 'evidence.json'}\n"))
        for result in self.results().values():
            self.assertEqual(json.loads(result)["content"]["threads"], str(machine.cores()))
        # Once more: nothing runs, and what was broken since then is made again, and told.
        before = self.results()
        cut = self.folder / "jobs" / "b.clean.seed-1.json"
        cut.write_bytes(before["b.clean.seed-1"][:20])
        (self.folder / "jobs" / "a.clean.seed-1.json").unlink()
        out, _ = self.run_sweep()
        first = self.folder / "broken" / cut.name
        self.assertIn(f"broken: {cut}: cut off, or no JSON: kept as {first}, made again", out)
        self.assertEqual(first.read_bytes(), before["b.clean.seed-1"][:20])
        self.assertEqual(sorted(self.ran()[4:]), ["a.clean.seed-1", "b.clean.seed-1"])
        self.assertEqual(self.results(), before)
        # Another job's result in its place is no sound one, and takes no other's place when kept;
        # what is no job's stays.
        cut.write_bytes(before["a.clean.seed-1"])
        stranger = cut.with_name("c.json")
        stranger.write_bytes(before["a.clean.seed-1"])
        out, _ = self.run_sweep()
        second = first.with_name("b.clean.seed-1.2.json")
        self.assertIn(f"foreign: {cut}: it is the result of a.clean.seed-1: kept as {second}", out)
        self.assertIn(f"note: {stranger}: profile has no such job: left as it is", out)
        self.assertEqual((first.read_bytes(), second.read_bytes(), stranger.read_bytes()),
                         (before["b.clean.seed-1"][:20], *[before["a.clean.seed-1"]] * 2))
        stranger.unlink()
        self.assertEqual(self.results(), before)
        out, _ = self.run_sweep()
        self.assertIn("all 4 results are there", out)
        self.assertEqual(len(self.ran()), 7)

    @unittest.skipUnless(Path("/proc/self").exists(), "processes are looked up in /proc")
    def test_a_killed_sweep_goes_on_where_it_was(self) -> None:
        self.profile("tiny", seconds=1.5)
        process = self.start()
        self.until_ran(2)
        kill_all(process)
        done = self.results()
        self.assertEqual(list(done), self.ran()[:1])
        self.run_sweep()
        self.assertEqual(sorted(self.ran()), sorted([*NAMES, self.ran()[1]]))
        self.assertLessEqual(done.items(), self.results().items())

    def left(self) -> "list[Path]":
        """What is running of this sweep."""
        text = str(self.root).encode()
        return [path for path in Path("/proc").glob("[0-9]*") if text in command_line(path)]

    @unittest.skipUnless(Path("/proc/self").exists(), "processes are looked up in /proc")
    def test_one_that_is_killed_alone_leaves_nothing_running(self) -> None:
        self.profile("tiny", seconds=600.0)
        process = self.start()
        self.until_ran(1)
        process.kill()
        process.wait()
        support.until(lambda: not self.left(), "Snakemake or a job is still running")
        # Nothing holds the folder.
        self.profile("tiny")
        self.run_sweep()
        self.assertEqual(sorted(self.ran()), sorted([*NAMES, self.ran()[0]]))

    @unittest.skipUnless(Path("/proc/self").exists(), "processes are looked up in /proc")
    def test_one_that_is_told_to_end_leaves_nothing_running(self) -> None:
        self.profile("tiny", seconds=600.0)
        process = self.start()
        self.until_ran(1)
        process.terminate()
        out, err = self.end(process, 130)
        self.assertIn("`make sweep` goes on from there", err)
        self.assertEqual(self.left(), [])
        # Its lock is gone with it.
        self.profile("tiny")
        self.run_sweep()

    def test_two_at_once_in_one_folder(self) -> None:
        self.profile("tiny", seconds=1.0)
        process = self.start()
        self.until_ran(1)
        self.one_line("another sweep is at work there (process", str(self.folder))
        self.end(process)
        self.assertEqual(sorted(self.ran()), NAMES)

    def test_a_job_that_fails_keeps_no_other_from_running(self) -> None:
        self.profile("tiny", fails=["pretrain.a"])
        out, err = self.run_sweep(1)
        self.assertIn("  failed: pretrain.a: pretrain.a: the loss is not finite "
                      f"({self.folder / 'logs' / 'pretrain.a.log'})\n", out)
        self.assertEqual(len(err.splitlines()), 1, err)
        for word in ("2 of 4 jobs have no result", "failed: pretrain.a;",
                     "not run to an end: a.clean.seed-1)", "snakemake.log"):
            self.assertIn(word, err)
        self.assertEqual(sorted(self.results()), ["b.clean.seed-1", "svm.clean.split-1"])
        self.assertTrue((self.folder / "evidence.json").exists())
        self.profile("tiny")
        self.run_sweep()
        self.assertEqual(sorted(self.ran()), sorted([*NAMES, "pretrain.a"]))

    def test_a_checkpoint_that_cannot_be_had_ends_it_before_the_first_job(self) -> None:
        self.profile("tiny", checkpoints=["owner/lost"], fails=["owner/lost"])
        _, err = self.run_sweep(1)
        self.assertEqual(err.splitlines(), [
            "error: owner/lost: no such revision",
            "error: a checkpoint cannot be had from the hub: its own message stands above, and no "
            "job was run"])
        self.assertEqual((self.ran(), self.results()), ([], {}))
        # Linear models need none.
        linear = [job for job in JOBS if not job["gpu"]]
        self.profile("tiny", linear, checkpoints=["owner/lost"], fails=["owner/lost"])
        self.run_sweep()
        self.assertEqual(self.ran(), ["svm.clean.split-1"])
        shutil.rmtree(self.folder)
        self.profile("tiny", checkpoints=["owner/there"])
        self.run_sweep()
        self.assertEqual(sorted(self.ran()), NAMES)

    def test_a_folder_of_another_profile_is_left_as_it_is(self) -> None:
        for name, text in (("jobs/c.json", "{}"), ("sweep.json", '{"fingerprint": "another"}')):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        before = self.results()
        self.one_line("a sweep of another profile, version or code", str(self.folder))
        self.assertEqual(self.results(), before)

    def test_several_at_once_share_the_cores(self) -> None:
        if machine.cores() < 2:
            self.skipTest("one core")
        self.profile("tiny", [job("a"), job("b")], seconds=2.0)
        process = self.start(SWEEP_JOBS="2")
        self.until_ran(2)
        self.assertEqual(self.results(), {})
        self.end(process)
        threads = {json.loads(result)["content"]["threads"] for result in self.results().values()}
        self.assertEqual(threads, {str(machine.cores() // 2)})


def command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


SINFO = """#!/bin/sh
echo 'main*|16|64000|(null)'
echo 'main*|8+|32000|(null)'
{more}
"""
GPU = "echo 'gpus|32|128000|gpu:a100:4(S:0-1)'"


class Refusals(Sweep):
    """What is said before a job runs; no Snakemake is needed for it."""

    def programs(self, more: str = "") -> str:
        """A PATH with Slurm's programs; sinfo says what nodes there are."""
        folder = self.root / "bin"
        folder.mkdir()
        for name in slurm.PROGRAMS:
            text = SINFO.format(more=more) if name == "sinfo" else "#!/bin/sh\n"
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        return f"{folder}:{os.environ['PATH']}"

    def setUp(self) -> None:
        super().setUp()
        if sys.version_info < snakemake_python.OLDEST:
            self.skipTest("Snakemake 9 needs a newer Python than this")

    def test_settings_that_are_none(self) -> None:
        self.one_line("SWEEP=nonsense", "slurm", SWEEP="nonsense")
        self.one_line("SWEEP_JOBS=0", SWEEP_JOBS="0")
        self.one_line("SWEEP_CORES=many", SWEEP="slurm", SWEEP_CORES="many")
        self.assertFalse(self.folder.exists())

    def test_what_no_profile_knows_is_said_as_ttp_says_it(self) -> None:
        self.one_line("error: unknown profile 'sweep-nonsense'", TTP_PROFILE="sweep-nonsense")
        self.profile("tiny", [job("nonsense.a")])
        self.one_line(f"error: {self.path}: field \"sweep.arms\": unknown arm \"nonsense\"")
        self.assertFalse(self.folder.exists())

    def test_no_slurm_on_this_machine(self) -> None:
        empty = self.root / "empty"
        empty.mkdir()
        self.one_line("no sbatch on PATH", SWEEP="slurm", PATH=str(empty))

    def test_slurm_without_a_gpu_partition(self) -> None:
        self.one_line("CUDA=1, and no partition of Slurm here has a GPU (main)", "without CUDA=1",
                      SWEEP="slurm", CUDA="1", PATH=self.programs())
        self.assertEqual((self.ran(), self.results()), ([], {}))

    def test_a_folder_that_cannot_be_written(self) -> None:
        (self.root / "file").write_text("")
        self.one_line(str(self.root / "file"), SWEEP_FOLDER=str(self.root / "file" / "sweep"))

    def test_a_disk_without_locks_is_not_taken_for_another_sweep(self) -> None:
        with mock.patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "No locks available")), \
                self.assertRaisesRegex(Problem, r"cannot lock files \(No locks.*SWEEP_FOLDER"):
            with fetch.alone_in(self.folder, self.folder / "workflow" / "lock", "sweep", "SWEEP_FOLDER"):
                pass

    def test_an_older_python(self) -> None:
        with self.assertRaisesRegex(Problem, "needs Python 3.11 or newer, this is 3.9"):
            snakemake_python.need_version((3, 9))

    def test_what_a_job_gets_of_slurm(self) -> None:
        with mock.patch.dict(os.environ, PATH=self.programs(GPU)):
            self.assertEqual(slurm.place(4, False), slurm.Place(4, 8000, "main"))
            self.assertEqual(slurm.place(64, True), slurm.Place(16, 8000, "main", "gpus"))
            with mock.patch.dict(os.environ, SBATCH_PARTITION="gpus", SBATCH_ACCOUNT="us"):
                self.assertEqual(slurm.place(64, True), slurm.Place(32, 8000, "gpus", "gpus", "us"))
            with mock.patch.dict(os.environ, SBATCH_PARTITION="cpus"):
                with self.assertRaisesRegex(Problem, "SBATCH_PARTITION=cpus: .* main, gpus"):
                    slurm.place(4, False)


class Notes(unittest.TestCase):
    """What a job leaves, and what is said of it."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        for name in ("workflow/done", "workflow/failed", "logs"):
            (self.folder / name).mkdir(parents=True)

    def test_trainings_of_a_cluster_without_gpus_are_told(self) -> None:
        trained, linear = job("a"), job("b", gpu=False)
        self.assertEqual(sweep_program.on_cores_alone({"b": linear}), [])
        [note] = sweep_program.on_cores_alone({"a": trained, "b": linear})
        self.assertIn("1 of the jobs train encoders, on cores alone: CUDA=1", note)

    def test_the_time_left_goes_by_costs(self) -> None:
        said, now = [], [0.0]
        jobs = [job("a", cost=3.0), job("b", cost=1.0), job("c"), job("d")]
        left = {one["id"]: one for one in jobs[:2]}
        progress = Progress(self.folder, jobs, left, said.append, lambda: now[0])
        (self.folder / "workflow" / "done" / ".half").write_text("{")
        (self.folder / "workflow" / "done" / "prepare").write_text('{"seconds": 1}')
        (self.folder / "workflow" / "done" / "a").write_text('{"seconds": 6000}')
        now[0] = 6000.0
        progress.look()
        progress.look()
        # Two were there before; 3 of 4 parts of the work took 6,000 s.
        self.assertEqual(said, ["  3 of 4: a in 1.7 h; 75 % of the work, 1 jobs an hour, "
                                "33 min left"])

    def run_job(self, with_slurm: bool, program: str) -> "tuple[int, dict]":
        plan = {"folder": str(self.folder), "root": str(self.folder), "slurm": with_slurm,
                "threads": 1, "environment": {}, "ttp": ["/bin/sh", "-c", program, "ttp"]}
        shutil.rmtree(self.folder / "workflow" / "failed")
        (self.folder / "workflow" / "failed").mkdir()
        (self.folder / "workflow" / "plan.json").write_text(json.dumps(plan))
        done = subprocess.run([sys.executable, str(project.ENVIRONMENT / "sweep" / "job.py"), "a"],
                              cwd=self.folder / "workflow", check=False)
        return done.returncode, {path.name: json.loads(path.read_text())
                                 for path in (self.folder / "workflow" / "failed").iterdir()}

    def test_on_slurm_a_job_that_was_killed_may_be_tried_again(self) -> None:
        failed = "echo begun; echo 'error: no data' >&2; exit 1"
        self.assertEqual(self.run_job(True, failed), (1, {"a": {"why": "no data"}}))
        self.assertEqual(self.run_job(False, "kill -9 $$"), (1, {"a": {"why": "ended by signal 9"}}))
        self.assertEqual(self.run_job(True, "kill -9 $$"), (1, {}))


if __name__ == "__main__":
    unittest.main()
