"""`make sweep` on a real Slurm: a controller and two nodes on this machine (slurm_here.py)."""

from __future__ import annotations

import json
import unittest

import profiles
from bench import race
from sweep.slurm_here import NODES, NoSlurm, SlurmHere
from tests import support, test_sweep


class OnSlurm(test_sweep.Sweep):
    """One job at a time on each node."""

    @classmethod
    def setUpClass(cls) -> None:
        test_sweep.need_snakemake()

    def setUp(self) -> None:
        super().setUp()
        try:
            self.slurm = SlurmHere(cores=1, gpus=1)
            self.slurm.__enter__()
        except NoSlurm as problem:
            self.skipTest(f"no Slurm: {problem}")
        self.addCleanup(self.slurm.__exit__)

    def begin(self, program: "list[str] | None" = None, **more: str):
        return self.start("--check-seconds", "1", program=program, SWEEP="slurm",
                          SWEEP_CORES="1", **{**self.slurm.variables(), **more})

    def on_nodes(self) -> "list[tuple[str, str]]":
        """Which job was begun on which node, in their order."""
        file = self.folder / "ran.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(line.split()[0], line.split()[1]) for line in lines]

    def test_a_killed_sweep_and_a_killed_node(self) -> None:
        jobs = [test_sweep.job("a.seed-1"), test_sweep.job("a.seed-2"),
                test_sweep.job("b", "a.seed-1", gpu=False)]
        self.profile("tiny", jobs, seconds=3.0)
        # The machine where it was begun goes dark, its jobs in Slurm do not.
        process = self.begin()
        self.until_ran(1)
        test_sweep.kill_all(process)
        # It goes on, with a GPU for a job; a node goes dark, and nobody is told.
        begun = len(self.on_nodes())
        process = self.begin(CUDA="1")
        dark, other = NODES
        support.until(lambda: dark in dict(map(reversed, self.on_nodes()[begun:])),
                      f"no job runs on {dark}", 90)
        self.slurm.kill_node(dark)
        lost = [job for job, node in self.on_nodes()[begun:] if node == dark][-1]
        out, _ = self.end(process)
        self.assertRegex(out, r"\d jobs that a killed sweep left in Slurm are cancelled")
        self.assertIn("1 cores and 4000 MB a job, a GPU of partition main for each training", out)
        self.assertIn("complete: 3 of 3 jobs", out)
        self.assertEqual([node for job, node in self.on_nodes() if job == lost][-1], other)
        self.assertIn(self.slurm.states()[dark].rstrip("*"), ("down", "completing"))
        gpus = {name: json.loads(result)["content"]["gpu"]
                for name, result in self.results().items()}
        self.assertEqual(len(gpus), 3)
        self.assertEqual((gpus[lost], gpus["b"]), ("0", ""))

    def test_the_real_jobs_and_a_killed_node(self) -> None:
        """`ttp` itself, a job of each kind; the node that trains goes dark."""
        smoke = profiles.FOLDER / "sweep-smoke.json"
        if not smoke.exists():
            self.skipTest("no profile sweep-smoke here")
        settings = json.loads(smoke.read_text(encoding="utf-8"))
        sweep = {"seeds": [1], "splits": 2, "models": ["minilm"], "arms": ["frozen"],
                 "arms_of": "minilm", "arm_seeds": 1}
        settings.update(name="short", checkpoints=["minilm"], sweep=sweep)
        del settings["$schema"]
        self.path = self.root / "short.json"
        self.path.write_text(json.dumps(settings), encoding="utf-8")
        process = self.begin(["--ttp", str(race.built_program("ttp"))])
        training = self.folder / "logs" / "minilm.clean.seed-1.log"
        support.until(lambda: training.exists() or process.poll() is not None,
                      "no training began", 240)
        if process.poll() is not None:
            self.end(process)
        running = self.slurm.ask("squeue", "--noheader", "--states=R", "--format", "%N %k")
        dark = next(line.split()[0] for line in running.splitlines()
                    if "minilm.clean.seed-1" in line)
        self.slurm.kill_node(dark)
        self.assertFalse((self.folder / "jobs" / "minilm.clean.seed-1.json").exists())
        out, _ = self.end(process)
        linear = [f"{model}.clean{split}" for model in ("tfidf-svm", "counts-logistic")
                  for split in ("", ".split-1", ".split-2")]
        jobs = ["minilm.clean.seed-1", "frozen.minilm.clean", *linear]
        self.assertEqual(sorted(self.results()), sorted(jobs))
        self.assertIn(f"complete: {len(jobs)} of {len(jobs)} jobs", out)
        self.assertTrue((self.folder / "evidence.json").exists())


if __name__ == "__main__":
    unittest.main()
