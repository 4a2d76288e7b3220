"""The exercises of notebooks/exercises/: their solutions run, and a course to hand out.

    exercises.py [NAME …]        runs the solutions; each check cell has to say "Right"
    exercises.py --course FOLDER writes the students' copies, the solutions and the reports

A code cell with the tag `solution` holds a solution; the cell below it, with the tag `check`, says
in a sentence whether the answer is right. In a student's copy the solution is an empty place and
the check is folded.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import nbformat

import ending
import kernel
import notebook_file
import project
import report
import run_notebooks
from findings import text_of
from profiles import Profile
from project import Problem
from run_notebooks import Failed, Interrupted

FOLDER = project.NOTEBOOKS / "exercises"
SOLUTION, CHECK = "solution", "check"
DEPENDENCY = ':dep ttp-lib = { path = "../../ttp-lib" }'
STUB = """\
// Your code here: first your guess, then the figure.
let guess: f64 = 0.0;
let found: f64 = f64::NAN;"""
RIGHT, NOT_CHECKED, WRONG = "Right: ", "Not checked: ", "Not yet: "
CELL_TIMEOUT = 900


def known() -> "list[Path]":
    return sorted(FOLDER.glob("*.ipynb"))


def chosen(names: "list[str]") -> "list[Path]":
    by_name = {path.stem: path for path in known()}
    for name in names:
        if name not in by_name:
            raise Problem(f"unknown exercises {name!r}; known: {', '.join(by_name)}")
    return [by_name[name] for name in names or by_name]


def has_tag(cell, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def exercise_of(cells: list, index: int) -> str:
    """The exercise that a cell belongs to, for a message: "exercise 03.1"."""
    heading = next((run_notebooks.heading_above(cells, at) for at in range(index, 0, -1)
                    if run_notebooks.heading_above(cells, at)), "")
    return heading.partition(":")[0].lower() or f"cell {index + 1}"


def check_structure(path: Path, nb) -> None:
    """Each solution has its check right below it, and nothing was left from a run."""
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        place = f"{path.name}, cell {index + 1}"
        if cell.outputs or cell.execution_count is not None:
            raise Problem(f"{place}: it holds an output: clear all outputs before saving")
        below = nb.cells[index + 1] if index + 1 < len(nb.cells) else None
        if has_tag(cell, SOLUTION) and not (below is not None and has_tag(below, CHECK)):
            raise Problem(f"{place}: a solution without a check cell below it")
    if not any(has_tag(cell, SOLUTION) for cell in nb.cells):
        raise Problem(f"{path.name}: no cell has the tag {SOLUTION!r}")


# -- solutions ------------------------------------------------------------------------

def joined(nb):
    """The same notebook with each solution and its check in one cell: what a run waits for is
    the compiler, once for each cell."""
    nb = copy.deepcopy(nb)
    cells: list = []
    for cell in nb.cells:
        if cell.cell_type == "code" and has_tag(cell, CHECK) and has_tag(cells[-1], SOLUTION):
            cell.source = f"{cells.pop().source}\n{cell.source}"
        cells.append(cell)
    nb.cells = cells
    return nb


def said_by(cell) -> str:
    """What a check cell printed."""
    return "".join(text_of(output.get("text", "")) for output in cell.outputs
                   if output.output_type == "stream" and output.get("name") == "stdout").strip()


def judge(path: Path, nb) -> "tuple[int, int]":
    """How many checks of an executed notebook say that the solution is right, and how many had
    nothing to check with; raises `Failed` for the first that says anything else."""
    right = unchecked = 0
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code" or not has_tag(cell, CHECK):
            continue
        said = said_by(cell)
        if said.startswith(RIGHT):
            right += 1
        elif said.startswith(NOT_CHECKED):
            unchecked += 1
        else:
            said = run_notebooks.safe(" ".join(said.split())) or "nothing"
            raise Failed(f"{path.name}, {exercise_of(nb.cells, index)}: the solution is wrong, "
                         f"its check says: {said}")
    return right, unchecked


def run(path: Path, profile: Profile, timeout: int) -> None:
    nb = notebook_file.read(path)
    check_structure(path, nb)
    nb = joined(nb)
    print(f"{path.stem}  (solutions, profile {profile.name})", flush=True)
    started = time.monotonic()
    client, problem = run_notebooks.execute(nb, path.parent, profile, None, timeout)
    if problem is not None:
        index = client.code_cells[client.current - 1] if client.current else 0
        # A panic's message stands below its place; a compiler's needs its lines.
        said = " ".join(problem.split()) if " panicked at " in problem else problem
        raise Failed(f"{path.name}, {exercise_of(nb.cells, index)}: {said}")
    right, unchecked = judge(path, nb)
    more = f", {unchecked} not checked: this run has not their figures" if unchecked else ""
    print(f"  {right} solutions are right{more}")
    print(f"  done in {time.monotonic() - started:.1f} s", flush=True)


# -- course ---------------------------------------------------------------------------

def anywhere(nb):
    """The same notebook for a folder outside of the repository: it finds the library and what
    the run left by the path of this clone."""
    nb = copy.deepcopy(nb)
    library = json.dumps(str(project.ROOT / "ttp-lib"), ensure_ascii=False)
    here = json.dumps(str(FOLDER), ensure_ascii=False)
    for cell in nb.cells:
        if cell.cell_type == "code" and DEPENDENCY in cell.source:
            cell.source = cell.source.replace(
                DEPENDENCY, f":dep ttp-lib = {{ path = {library} }}") + (
                f"\n// What the notebooks left is found from here.\nstd::env::set_current_dir({here})?;")
            return nb
    raise Problem(f"a notebook of exercises needs the line {DEPENDENCY}")


def for_students(nb):
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if has_tag(cell, SOLUTION):
            cell.source = STUB
            cell.metadata = nbformat.from_dict({"tags": ["exercise"]})
        elif has_tag(cell, CHECK):
            # Jupyter and VS Code show it folded: it says what the answer is compared with.
            cell.metadata = nbformat.from_dict({"tags": [CHECK], "jupyter": {"source_hidden": True}})
    return nb


ABOUT = """\
# Exercises

- `student/`: notebooks with exercises, to hand out. Each exercise asks for a guess and a figure; the cell below says
  whether the figure is right. It is folded, because it computes the figure, too: run it without opening it.
- `solutions/`: the same notebooks with solutions.
- `reports/`: the pages of the executed notebooks, if there are any; open `reports/index.html` in a browser.

The notebooks use the library and the results of this clone:

    {root}

Once, in that folder: `make reproduce` (the results that the exercises read) and `make kernelspec` (the Rust kernel in
your own Jupyter). Then open `student/` in Jupyter or VS Code. After the clone has moved, write the course again.
{output}"""


def write_course(folder: Path) -> None:
    """Whole or not at all: written beside, then renamed."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Problem(f"{folder}: there are files already: name a folder that is new or empty")
    notebooks = [(path, notebook_file.read(path)) for path in known()]
    if not notebooks:
        raise Problem(f"{FOLDER}: no exercises there")
    for path, nb in notebooks:
        check_structure(path, nb)
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        # mkdtemp's is its owner's alone.
        half.chmod(0o755)
        for kind, change in (("student", for_students), ("solutions", lambda nb: nb)):
            (half / kind).mkdir()
            for path, nb in notebooks:
                report.write_notebook(anywhere(change(nb)), half / kind / path.name)
        pages = sorted(report.reports_folder().glob("*.html"))
        if pages:
            (half / "reports").mkdir()
            for page in pages:
                shutil.copyfile(page, half / "reports" / page.name)
        output = "" if project.output() == project.ROOT else (
            f"Start Jupyter with `TTP_OUT={project.output()}`: the results lie there.\n")
        (half / "README.md").write_text(ABOUT.format(root=project.ROOT, output=output),
                                        encoding="utf-8")
        # Takes the place of an empty folder, and of nothing else.
        os.rename(half, folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    print(f"{len(notebooks)} notebooks of exercises, their solutions and {len(pages)} pages: {folder}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the exercises' solutions, or write a course.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="01-03_corpus; all by default")
    parser.add_argument("--course", type=Path, metavar="FOLDER", help="write what is handed out")
    parser.add_argument("--cell-timeout", type=int, default=CELL_TIMEOUT, metavar="SECONDS")
    arguments = parser.parse_args()
    os.environ["JUPYTER_PATH"] = str(kernel.JUPYTER_PATH)
    sys.stdout.reconfigure(errors="replace")
    sys.stderr.reconfigure(errors="replace")
    ending.end_as_ctrl_c()
    try:
        if arguments.course is not None:
            write_course(arguments.course.expanduser().resolve())
            return 0
        profile = Profile.from_environment()
        paths = chosen(arguments.names)
        kernel.need_program()
        kernel.write_settings()
        for path in paths:
            run(path, profile, arguments.cell_timeout)
    except (Failed, Problem) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or FOLDER}: {error.strerror or error}", file=sys.stderr)
        return 1
    # Where a kernel is being started, the interrupt comes as the end of a task.
    except (KeyboardInterrupt, Interrupted, asyncio.CancelledError):
        print("\nstopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
