"""Executes the notebooks in order, and writes their reports.

    run_notebooks.py [NAME …] [--force] [--render]

Without a name: all of notebooks/NN_*.ipynb. A notebook whose inputs, code and
outputs are as they were at its last run is not run again. The first failure ends
the run with exit status 1 and leaves the reports of earlier runs as they were.

The kernel answers "ok" to a cell whose `?` met an error: that message only reaches
standard error. So anything on standard error that is not known to be harmless is
taken as a failure, and so is a line `error: …` on standard output.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import os
import queue
import re
import sys
import time
from pathlib import Path

from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import (CellExecutionComplete, CellExecutionError, CellTimeoutError,
                                 DeadKernelError)

import ending
import fetch
import figures
import findings
import freshness
import hub_check
import kernel
import machine
import memory
import notebook_file
import profiles
import project
import report
from profiles import Profile
from project import Problem

# What a sound run may print on standard error, as regular expressions for one line.
HARMLESS = [
    # libtorch, for instance "[W1123 02:35:00 NNPACK.cpp:64] Could not initialize NNPACK!"
    r"\[W[^\]]*\.(cpp|cc|h):\d+\] .*",
    r"\s*\(function operator\(\)\)",
    # An OpenMP run-time about its surroundings.
    r"OMP: Info .*",
]

# A `?` error's line can come after the kernel's answer: this long is waited for it
# after each cell. After the last one a marker is waited for, so none is missed.
LATE_SECONDS = 0.1
MARKER = "ttp-lib: end of the notebook's standard error"
PRINT_MARKER = f'eprintln!("{MARKER}");'

# A notebook's `per_checkpoint` where it is about continued pretraining alone.
PRETRAINED = "pretrained"

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Failed(Exception):
    """A cell that failed, with what it said."""


class Interrupted(Exception):
    """Ctrl-C or a request to end."""


class Progress:
    """One line a cell; what a long cell prints stands indented below its line."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.width = len(str(cells))
        self.line_open = False
        self.rest = ""

    def start(self, number: int, label: str) -> None:
        print(f"  {number:>{self.width}}/{self.cells}  {label}", end="", flush=True)
        self.line_open, self.rest = True, ""

    def stream(self, text: str) -> None:
        *lines, self.rest = (self.rest + text).replace("\r\n", "\n").split("\n")
        for line in lines:
            self.close()
            print(" " * (2 * self.width + 5) + safe(line), flush=True)

    def finish(self, seconds: float) -> None:
        if self.rest:
            self.stream("\n")
        indent = "  " if self.line_open else " " * (2 * self.width + 5)
        print(f"{indent}{seconds:.1f} s", flush=True)
        self.line_open = False

    def close(self) -> None:
        if self.line_open:
            print(flush=True)
            self.line_open = False


def safe(line: str) -> str:
    """Text from a sentence may hold escapes for the terminal: none of them gets through."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}"
                   for c in ANSI.sub("", line))


def label(cells: list, index: int) -> str:
    """What a cell is about: the heading right above it, else its first comment, else
    its first line of code that says something."""
    lines = [line.strip() for line in cells[index].source.splitlines() if line.strip()]
    first = next((line for line in lines if not line.startswith(("use ", "//"))), lines[0])
    comment = next((line for line in lines[:1] if line.startswith("//")), "")
    text = heading_above(cells, index) or comment.lstrip("/ ") or first
    if first.startswith(":dep"):
        text = first
    return text if len(text) <= 64 else text[:63] + "…"


def heading_above(cells: list, index: int) -> str:
    """The last heading between the code cell before and this one; empty where there is none."""
    for cell in reversed(cells[:index]):
        if cell.cell_type == "code":
            break
        headings = [line for line in cell.source.splitlines() if re.match(r"#+ ", line)]
        if headings:
            return headings[-1].lstrip("# ")
    return ""


def unexpected(stderr: str) -> list[str]:
    """The lines of a cell's standard error that a sound run does not print."""
    lines = [line for line in ANSI.sub("", stderr).splitlines() if line.strip()]
    return [line for line in lines if not any(re.fullmatch(p, line) for p in HARMLESS)]


def why(stderr: str, error: str) -> str:
    """A failed cell's message, safe for a terminal, without the kernel's own backtraces."""
    kept = []
    for line in unexpected(stderr):
        if line.startswith(("stack backtrace", "note: run with `RUST_BACKTRACE")):
            break
        kept.append(line)
    lines = kept or ANSI.sub("", error).strip().splitlines()
    return "\n".join(map(safe, lines)) or "the cell failed and said nothing"


def compiler_message(nb) -> str:
    """What the kernel answered to the cell that failed: a compiler's message, mostly."""
    tracebacks = ["\n".join(output.traceback) for cell in nb.cells if cell.cell_type == "code"
                  for output in cell.outputs if output.output_type == "error"]
    return tracebacks[-1] if tracebacks else ""


class Client(NotebookClient):
    """nbclient, with progress and with an eye on standard error."""

    def __init__(self, nb, progress: Progress, **settings) -> None:
        super().__init__(nb, **settings)
        self.progress = progress
        self.stderr = ""
        self.started = 0.0
        self.interrupted = False
        self.current = 0
        self.memory = memory.Watch()
        self.code_cells = [i for i, c in enumerate(nb.cells)
                           if c.cell_type == "code" and c.source.strip()]
        self.on_cell_execute = self.cell_starts
        self.on_cell_executed = self.cell_ends

    def watch(self) -> None:
        """Measures the kernel, and ends it when the run is told to end."""
        self.memory.start(self.km.provisioner.pid)
        for name in ending.heeded():
            asyncio.get_running_loop().add_signal_handler(name, self.stop)

    def stop(self) -> None:
        self.interrupted = True
        asyncio.ensure_future(self.km.shutdown_kernel(now=True))

    def cell_starts(self, cell, cell_index: int) -> None:
        self.stderr, self.started = "", time.monotonic()
        self.current = self.code_cells.index(cell_index) + 1
        self.progress.start(self.current, label(self.nb.cells, cell_index))

    async def _async_poll_output_msg(self, parent_msg_id, cell, cell_index) -> None:
        """As nbclient's, which passes over what an earlier cell says late."""
        while True:
            msg = await self.kc.get_iopub_msg(timeout=None)
            self.listen(msg)
            if msg["parent_header"].get("msg_id") != parent_msg_id:
                continue
            try:
                self.process_message(msg, cell, cell_index)
            except CellExecutionComplete:
                return

    def listen(self, msg) -> None:
        if msg["msg_type"] == "stream":
            if msg["content"]["name"] == "stderr":
                self.stderr += msg["content"]["text"]
            else:
                self.progress.stream(msg["content"]["text"])

    async def cell_ends(self, cell, cell_index: int, execute_reply) -> None:
        seconds = time.monotonic() - self.started
        await self.wait_for_late_errors(cell, cell_index, LATE_SECONDS)
        cell.outputs = [output for output in cell.outputs if not is_unit(output)]
        cell.metadata["ttp"] = {"seconds": round(seconds, 2),
                                "peak_bytes": self.memory.kernel_peak()}
        if execute_reply["content"]["status"] == "ok" and unexpected(self.stderr):
            raise Failed(why(self.stderr, ""))
        if any(is_not_drawn(output) for output in cell.outputs):
            raise Failed("the kernel shows a table or a plot as Rust's own text: let the cell's "
                         "last expression use no variable up, but for a table alone")
        told = next(filter(None, map(shown_error, cell.outputs)), "")
        if told:
            raise Failed(f"the cell shows an error and goes on: {safe(told)}")
        if any(findings.is_empty_plot(output) for output in cell.outputs):
            raise Failed("a plot of this cell draws nothing but its axes")
        if execute_reply["content"]["status"] == "ok":
            self.progress.finish(seconds)

    async def wait_for_late_errors(self, cell, cell_index: int, seconds: float) -> None:
        while True:
            try:
                msg = await self.kc.get_iopub_msg(timeout=seconds)
            except queue.Empty:
                return
            self.listen(msg)
            if msg["msg_type"] == "stream":
                self.output(cell.outputs, msg, None, cell_index)

    async def async_execute(self, reset_kc: bool = False, **kwargs):
        """As nbclient's, and then until all that was said on standard error is here."""
        self.reset_execution_trackers()
        async with self.async_setup_kernel(**kwargs):
            self.watch()
            for index, cell in enumerate(self.nb.cells):
                await self.async_execute_cell(
                    cell, index, execution_count=self.code_cells_executed + 1
                )
            await self.all_of_stderr()
        return self.nb

    # nbclient's own is bound to its own `async_execute`.
    execute = run_sync(async_execute)

    async def all_of_stderr(self) -> None:
        """Standard error is one pipe: once a marker has come through, all before it has."""
        self.stderr = ""
        await asyncio.sleep(0)
        self.kc.execute(PRINT_MARKER)
        end = time.monotonic() + 120
        while MARKER not in self.stderr:
            try:
                self.listen(await self.kc.get_iopub_msg(timeout=5))
            except queue.Empty:
                if not await self.km.is_alive() or time.monotonic() > end:
                    raise DeadKernelError("Kernel died") from None
        late = self.stderr.replace(MARKER, "")
        if unexpected(late):
            raise Failed(why(late, ""))


def is_unit(output) -> bool:
    """`()` is what a cell shows that ends with a loop or a block."""
    return output.get("output_type") == "execute_result" and dict(output.data) == {
        "text/plain": "()"
    }


def shown_error(output) -> str:
    """A line that begins as `ttp` begins one for an error, or a `Result` that is an `Err`, printed or
    shown as the cell's value: the kernel answers "ok" to such a cell."""
    text = output.get("text", "") if output.get("name") == "stdout" else output.get("data", {}).get("text/plain", "")
    return next((line for line in ANSI.sub("", text).splitlines() if line.startswith(("error: ", "Err("))), "")


def is_not_drawn(output) -> bool:
    """Where the last expression uses a variable up, the kernel compiles the cell in another
    way, and a table or a plot comes as `Table { …` or `Svg(…`."""
    data = output.get("data", {})
    return set(data) == {"text/plain"} and data["text/plain"].startswith(("Svg(", "Table {"))


def execute(nb, folder: Path, profile: Profile, checkpoint: str | None,
            timeout: int) -> "tuple[Client, str | None]":
    """Executes all cells of a notebook that lies in `folder`. Hands back what executed it, and
    what went wrong, if anything did; raises `Interrupted` where it was told to end."""
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    progress = Progress(sum(c.cell_type == "code" and bool(c.source.strip()) for c in nb.cells))
    client = Client(
        nb, progress,
        kernel_name=kernel.NAME, timeout=timeout, startup_timeout=120,
        record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    environment = {**os.environ, **profile.variables(checkpoint), "TTP_OUT": str(project.output()),
                   "TTP_RUNNER": str(os.getpid())}
    for variable in ("TTP_SOURCES", "TTP_MODELS"):
        if project.own_folder(variable):
            environment[variable] = str(project.own_folder(variable))
    problem = None
    try:
        client.execute(env=environment, cwd=str(folder))
    except Failed as failed:
        problem = str(failed)
    except CellExecutionError as error:
        problem = why(client.stderr, compiler_message(nb) or error.traceback)
    except CellTimeoutError:
        problem = f"no answer within {timeout} s (--cell-timeout)"
    except DeadKernelError:
        problem = why(client.stderr, "the kernel died" + kernel_log())
    except RuntimeError as error:
        problem = why("", f"the kernel did not start: {error}{kernel_log()}")
    finally:
        # While a kernel runs, `Client.watch` takes the signals; asyncio does not put back what was
        # there before.
        ending.end_as_ctrl_c()
        # nbclient leaves it where a kernel did not start, and it would fail then.
        atexit.unregister(client._cleanup_kernel)
        client.memory.stop()
        progress.close()
    if client.interrupted:
        raise Interrupted
    return client, problem


def run_one(state: freshness.State, timeout: int) -> None:
    """Executes one notebook and writes its report; raises `Failed` with the cell."""
    path, name, profile, checkpoint = state.path, state.name, state.profile, state.checkpoint
    nb = notebook_file.read(path)
    reports = project.output() / "reports"
    about = machine.describe()
    started = time.monotonic()
    client, problem = execute(nb, project.NOTEBOOKS, profile, checkpoint, timeout)

    nb.metadata.setdefault("ttp", {})["run"] = {
        "notebook": name,
        "profile": profile.name,
        "checkpoint": checkpoint,
        "seconds": round(time.monotonic() - started, 1),
        "peak_bytes": client.memory.kernel_peak(),
        "peak_tree_bytes": client.memory.tree_peak(),
        **about,
    }
    nb.metadata["language_info"] = {"name": "rust", "pygments_lexer": "rust",
                                    "file_extension": ".rs", "mimetype": "text/rust"}
    failed_copy = reports / f"{name}.failed.ipynb"
    if problem is not None:
        report.write_notebook(nb, failed_copy)
        place = f", code cell {client.current} of {client.progress.cells}" if client.current else ""
        raise Failed(f"{path.name}{place}: {problem}\n(as far as it came: {failed_copy})")
    state.check_outputs()
    report.write_notebook(nb, reports / f"{name}.ipynb")
    report.write_html(nb, reports / f"{name}.html")
    failed_copy.unlink(missing_ok=True)


def kernel_log() -> str:
    """The end of the newest kernel's log, if it said anything."""
    logs = sorted(project.kernel_seat().parent.glob("*.log"), key=lambda p: p.stat().st_mtime)
    text = logs[-1].read_text(errors="replace").strip() if logs else ""
    return f"; its log ends: {text[-500:]}" if text else ""


def notebooks(names: list[str], of_profile: list[str] | None = None) -> list[Path]:
    """The notebooks of these names; without one, the profile's own, or all."""
    known = sorted(project.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    names = names or of_profile or []
    if not names:
        return known
    by_name = {path.stem: path for path in known}
    chosen = []
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb")
        matches = [path for key, path in by_name.items() if stem in (key, key[:2])]
        if not matches:
            raise Problem(f"unknown notebook {name!r}; known: {', '.join(by_name)}")
        chosen += matches
    return chosen


def runs(path: Path, profile: Profile) -> list[freshness.State]:
    """A notebook's runs: one, or one for each checkpoint of the profile, or for each of those
    that have continued pretraining."""
    kind = notebook_file.metadata(path).get("per_checkpoint")
    if not kind:
        return [freshness.State(path, path.stem, profile, None)]
    return [freshness.State(path, f"{path.stem}.{notebook_file.file_name(checkpoint)}", profile,
                            checkpoint) for checkpoint in profile.checkpoints()
            if kind != PRETRAINED or profiles.is_made_here(checkpoint)]


def run_if_needed(state: freshness.State, force: bool, timeout: int) -> None:
    look = report.look()
    if not force and state.is_up_to_date():
        print(f"{state.name} is up to date", flush=True)
        if not state.page_stands(look):
            report.render(project.output() / "reports" / f"{state.name}.ipynb")
            state.remember_page(look)
        return
    print(f"{state.name}  (profile {state.profile.name})", flush=True)
    started = time.monotonic()
    state.begin()
    run_one(state, timeout)
    seconds = time.monotonic() - started
    state.remember(seconds, look)
    print(f"  done in {seconds:.1f} s", flush=True)


def reproduce(names: list[str], force: bool, timeout: int) -> "list[freshness.State]":
    """Runs what is out of date, and gives the runs that were asked for."""
    profile = Profile.from_environment()
    profile.check_checkpoints()
    states = []
    for path in notebooks(names, profile.notebooks()):
        own = runs(path, profile)
        if names and not own:
            chosen = os.environ.get("TTP_CHECKPOINT")
            which = f"checkpoint {chosen}" if chosen else f"no checkpoint of profile {profile.name}"
            print(f"{path.stem} is not run: {which} has {'no ' if chosen else ''}continued "
                  "pretraining", flush=True)
        states += own
    if names and not states:
        return []
    freshness.check_pretrained(states)
    kernel.need_program()
    kernel.write_settings()
    if any(state.checkpoint for state in states):
        hub_check.check(profile, profile.checkpoints(), "notebook", project.NOTEBOOKS)
    # Before, for they would move what a notebook of today has made; after, for those that came back.
    freshness.set_aside_lost()
    if not names:
        freshness.settle(profile)
        freshness.set_aside_lost()
    for state in states:
        state.check_profile_of_inputs()
        freshness.settle(profile, [state.name])
        run_if_needed(state, force, timeout)
    report.write_results(profile)
    report.write_index()
    return states


def main() -> int:
    parser = argparse.ArgumentParser(description="Execute the notebooks and write their reports.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="01_corpus, or 01; all by default")
    parser.add_argument("--force", action="store_true", help="run what is up to date, too")
    parser.add_argument("--render", action="store_true", help="only write HTML and index again")
    parser.add_argument("--cell-timeout", type=int, default=4 * 3600, metavar="SECONDS")
    arguments = parser.parse_args()
    os.environ["JUPYTER_PATH"] = str(kernel.JUPYTER_PATH)
    sys.stdout.reconfigure(errors="replace")
    sys.stderr.reconfigure(errors="replace")
    ending.end_as_ctrl_c()
    try:
        lock = project.output() / "reports" / ".runs" / "lock"
        with fetch.alone_in(project.output(), lock, "run", "TTP_OUT"):
            if arguments.render:
                report.render_again()
                return 0
            states = reproduce(arguments.names, arguments.force, arguments.cell_timeout)
        if arguments.names and not states:
            return 0
    except (Failed, Problem) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or project.output()}: {error.strerror or error}",
              file=sys.stderr)
        return 1
    # Where a kernel is being started, the interrupt comes as the end of a task.
    except (KeyboardInterrupt, Interrupted, asyncio.CancelledError):
        print("\nstopped; what was finished before is kept", file=sys.stderr)
        return 130
    report.print_end([path for state in states for path in state.outputs])
    if not arguments.names and not os.environ.get("TTP_CHECKPOINT"):
        figures.print_end(Profile.from_environment().name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
