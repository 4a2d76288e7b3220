"""Slurm on this machine, for a try or a test: a controller and two nodes on loopback.

    python3 environment/sweep/slurm_here.py COMMAND ...     for instance: env SWEEP=slurm make sweep
    python3 environment/sweep/slurm_here.py bash            to look around with sinfo and squeue

Needs Debian's or Ubuntu's packages slurm-wlm and munge, and none of their services. Everything
lies in a temporary folder, under a key and on ports of its own; once the command has ended the
daemons end, and whatever ran on the nodes. The exit status is the command's. Run it as the user
whose jobs these are: nodes run only his.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NODES = ("node1", "node2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "sinfo", "squeue")
START_SECONDS = 30.0
# After so long without a word of a node the controller gives it up.
NODE_SECONDS = 5
END_SECONDS = 10.0
PR_SET_PDEATHSIG = 1
# In the environment of all that belongs to one Slurm here: its folder; of a daemon also its name.
MARK, DAEMON = "TTP_SLURM_HERE", "TTP_SLURM_HERE_DAEMON"
# Slurm's own, of what runs in a job.
NODE_OF_A_JOB = "SLURMD_NODENAME"

SETTINGS = """\
ClusterName=here
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A job that lost its node may run again once its credential has expired.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,bf_interval=1,sched_min_interval=0
ReturnToService=2
SlurmctldTimeout={node_seconds}
SlurmdTimeout={node_seconds}
KillWait=1
MinJobAge=300
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
# The nodes share this machine, and have together more than it has.
SlurmdParameters=config_overrides
{gres}
{nodes}
PartitionName=main Nodes={all_nodes} Default=YES MaxTime=INFINITE State=UP
"""


class NoSlurm(Exception):
    """Why there can be no Slurm here, in one line."""


class SlurmHere:
    """Slurm with two nodes, as long as the `with` lasts. `gpus` says how many each node claims
    to have; there is nothing behind them."""

    def __init__(self, cores: int = 2, memory_mb: int = 4000, gpus: int = 0) -> None:
        self.cores, self.memory_mb, self.gpus = cores, memory_mb, gpus
        self.programs = {name: find(name) for name in PROGRAMS}
        self.processes: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> SlurmHere:
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-here-"))
        # munged wants its socket to be reached by everybody.
        self.folder.chmod(0o711)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for name in list(self.processes):
            self.stop(name)
        self.kill_all(lambda environment: DAEMON in environment or NODE_OF_A_JOB in environment)
        shutil.rmtree(self.folder, ignore_errors=True)

    def variables(self) -> dict[str, str]:
        """What a command needs to see this Slurm."""
        path = os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", os.defpath)])
        return {"SLURM_CONF": str(self.settings()), "PATH": path, MARK: str(self.folder)}

    def settings(self) -> Path:
        return self.folder / "slurm.conf"

    def start(self) -> None:
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        self.write_settings()
        self.write_srun()
        munge = [f"--{name}={self.folder}/munge{end}" for name, end in
                 (("key-file", ".key"), ("socket", ".socket"), ("pid-file", "d.pid"),
                  ("log-file", "d.log"), ("seed-file", "d.seed"))]
        self.run("munged", [self.programs["munged"], "--foreground", *munge])
        self.wait_for(lambda: (self.folder / "munge.socket").exists(), "munged")
        self.run("slurmctld", [self.programs["slurmctld"], "-D", "-c"])
        for node in NODES:
            self.start_node(node)
        self.wait_for(lambda: self.states() == {node: "idle" for node in NODES}, "slurmctld")

    def write_settings(self) -> None:
        ports = free_ports(1 + len(NODES))
        gres = f" Gres=gpu:{self.gpus}" if self.gpus else ""
        nodes = [f"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} "
                 f"CPUs={self.cores} RealMemory={self.memory_mb} State=UNKNOWN{gres}"
                 for node, port in zip(NODES, ports[1:])]
        text = SETTINGS.format(folder=self.folder, user=pwd.getpwuid(os.getuid()).pw_name,
                               controller=ports[0], node_seconds=NODE_SECONDS,
                               gres="GresTypes=gpu" if self.gpus else "",
                               nodes="\n".join(nodes), all_nodes=",".join(NODES))
        self.settings().write_text(text, encoding="utf-8")
        if self.gpus:
            (self.folder / "gres.conf").write_text(
                f"Name=gpu Count={self.gpus} File=/dev/null\n", encoding="utf-8")

    def write_srun(self) -> None:
        """In a job, Snakemake's executor takes Slurm's variables away from srun, which then looks
        for the settings in /etc."""
        srun = self.folder / "bin" / "srun"
        srun.parent.mkdir()
        srun.write_text(f"#!/bin/sh\nSLURM_CONF={self.settings()} exec {self.programs['srun']} "
                        '"$@"\n', encoding="utf-8")
        srun.chmod(0o755)

    def run(self, name: str, command: list[str]) -> None:
        """A daemon, which ends with this process whatever ends it."""
        log = open(self.folder / f"{name}.out", "ab")
        with log:
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **self.variables(), DAEMON: name},
                start_new_session=True, preexec_fn=end_with_parent)

    def start_node(self, node: str) -> None:
        self.run(node, [self.programs["slurmd"], "-D", "-N", node])

    def kill_node(self, node: str) -> None:
        """As if the machine went dark: its daemon and all that runs on it, and nobody is told."""
        self.processes[node].kill()
        self.kill_all(lambda environment:
                      node in (environment.get(DAEMON), environment.get(NODE_OF_A_JOB)))
        self.stop(node)

    def kill_all(self, is_meant) -> None:
        """Kills processes of this Slurm by their environment, until a look finds none."""
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < end:
            found = [pid for pid, environment in processes()
                     if environment.get(MARK) == str(self.folder) and is_meant(environment)]
            if not found:
                return
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def ask(self, name: str, *arguments: str) -> str:
        done = subprocess.run([self.programs[name], *arguments], text=True, errors="replace",
                              env={**os.environ, **self.variables()}, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return done.stdout

    def states(self) -> dict[str, str]:
        """The nodes' states, as sinfo names them."""
        lines = self.ask("sinfo", "--noheader", "--Node", "--format", "%N %T").splitlines()
        return dict(line.split() for line in lines if len(line.split()) == 2)

    def wait_for(self, condition, what: str) -> None:
        end = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > end or any(one.poll() is not None
                                             for one in self.processes.values()):
                raise NoSlurm(f"{what} does not start: {self.last_words()}")
            time.sleep(0.1)

    def last_words(self) -> str:
        dead = [name for name, one in self.processes.items() if one.poll() is not None]
        for name in [*dead, *self.processes]:
            said = (self.folder / f"{name}.out").read_text(errors="replace").strip().splitlines()
            if said:
                return said[-1]
        return f"nothing said in {START_SECONDS:.0f} s"


def find(name: str) -> str:
    """Daemons are often not on a user's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"])
    found = shutil.which(name, path=path)
    if not found:
        raise NoSlurm(f"no {name} here: apt-get install slurm-wlm munge")
    return found


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def processes() -> "list[tuple[int, dict[str, str]]]":
    """This user's processes and the environments that they began with."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        pairs = (part.split("=", 1) for part in text.split("\0") if "=" in part)
        found.append((int(folder.name), dict(pairs)))
    return found


def main() -> int:
    command = sys.argv[1:]
    if not command:
        print("error: which command?", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with SlurmHere(gpus=int(os.environ.get("SLURM_HERE_GPUS") or 0)) as slurm:
            print(f"Slurm with {' and '.join(NODES)}: {slurm.folder}", flush=True)
            return subprocess.run(command, env={**os.environ, **slurm.variables()},
                                  check=False).returncode
    except NoSlurm as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
