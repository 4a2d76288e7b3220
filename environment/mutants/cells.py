"""Mutants of cells, executed by the runner: with the Rust kernel, or with Python's in its place,
which starts in a second and sends the runner messages of the same kinds."""

from __future__ import annotations

import random
from collections.abc import Iterator

import project
from mutants import Mutant, SEED, Unsound
from tests.support import HouseWithKernel, notebook

CHECK = "runner: a failed run, with the cell"
PANICS, ERRORS, GOES_ON = "a cell that panics", "a cell that returns an error", "a cell that prints an error and goes on"
OUT = "results/corpus.json"

# Of each kind what a cell may do, in Rust and as Python's kernel does the like.
RUST = {
    PANICS: ('panic!("no such label");', "let v: Vec<u32> = Vec::new(); v[3]", "None::<u32>.unwrap()",
             "unreachable!()", "assert_eq!(1, 2);", '"x".parse::<u32>().unwrap()', "std::process::exit(1);"),
    ERRORS: ('std::fs::read_to_string("/not/there")?', '"x".parse::<u32>()?', 'Err::<u32, String>("no".into())?',
             "let undeclared: u32 = missing;", 'Err::<u32, String>("no".into())'),
    GOES_ON: ('eprintln!("No such file or directory");', 'eprint!("warning: empty");',
              'println!("error: no such label");', r'println!("{:?}", "x".parse::<u32>());'),
}
PYTHON = {
    PANICS: ("raise RuntimeError('no such label')", "[][3]", "{}['a']", "assert 1 == 2", "1 / 0", "int('x')",
             "import os; os._exit(1)", "raise SystemExit(1)", "None.unwrap()", "def f(): return f()\nf()"),
    # `?` that meets an error: the kernel answers "ok", and the message reaches standard error alone.
    ERRORS: tuple(f"import os; os.write(2, {line!r})" for line in (
        b"No such file or directory (os error 2)\n", b"invalid digit found in string\n", b"no\n",
        b"results/a.json: not there\n", b"row 7, field technique: empty\n", b"error: x\n")),
    GOES_ON: tuple(f"import sys; print({line!r}, file=sys.stderr); y = 3" for line in (
        "warning: empty", "thread 'main' panicked at src/lib.rs:1:5:", "[W] not from libtorch", "x"))
    + ("print('error: no such label'); y = 3", "print('rows: 7\\nerror: results/a.json: not there'); y = 3",
       "print('Err(ParseIntError { kind: InvalidDigit })'); y = 3"),
}


class Cells:
    """A repository whose notebook has three cells and one output."""

    def __init__(self, rust: bool) -> None:
        self.house = HouseWithKernel()
        self.house.setUp()
        self.rust = rust
        if rust:
            # Where the kernel's program is. Nothing is written there.
            self.house.variables["XDG_CACHE_HOME"] = str(project.cache().parent)
            # The kernel's package is below the repository: cargo reads the manifest and the lock there.
            self.house.write("Cargo.toml", '[workspace]\nexclude = ["target"]\n')
            self.house.write("Cargo.lock", 'version = 4\n\n[[package]]\nname = "tch"\nversion = "0.17.0"\n')
            self.sound = ["let x: u32 = 1;", "x + 1",
                          'std::fs::create_dir_all("../results")?;\nstd::fs::write("../results/corpus.json", "{}")?;']
        else:
            self.sound = ["x = 1", "x + 1", "import pathlib\nout = pathlib.Path('../results')\n"
                          "out.mkdir(exist_ok=True)\n(out / 'corpus.json').write_text('{}')\nz = 1"]

    def close(self) -> None:
        self.house.doCleanups()

    def check(self, cells: "list[str]", at: int) -> str:
        """Whether the runner ends with status 1, names the cell and writes no report."""
        for path in ("results", "reports"):
            folder = self.house.root / path
            for file in sorted(folder.rglob("*"), reverse=True) if folder.exists() else ():
                file.unlink() if file.is_file() else file.rmdir()
        self.house.write("notebooks/01_corpus.ipynb", notebook("# 01", *cells, outputs=[OUT]))
        if self.rust:
            done = self.house.python("environment/run_notebooks.py", timeout=300)
        else:
            done = self.house.run_notebooks()
        if done.returncode == 0:
            return ""
        # What comes late is told of the next cell, or after the last one.
        places = [f"01_corpus.ipynb, code cell {number} of 3: " for number in range(at + 1, 4)]
        if done.returncode != 1 or not any(place in done.stderr for place in places):
            raise Unsound(f"the runner ended with {done.returncode}: {done.stderr.strip()[:300]}")
        return "" if "01_corpus.ipynb" in self.house.reports() else CHECK


def of_cells(rust: bool) -> "Iterator[Mutant]":
    cells = Cells(rust)
    try:
        if cells.check(cells.sound, 0):
            raise Unsound("the runner refuses cells that nobody touched")
        rng = random.Random(f"{SEED} cells")
        for kind, sources in (RUST if rust else PYTHON).items():
            for source in sources:
                at = rng.randrange(3)
                spoiled = list(cells.sound)
                spoiled[at] = f"{source}\n{spoiled[at]}" if kind == GOES_ON else source
                what = f"cell {at + 1} ({'Rust' if rust else 'Python'}): {source}"
                yield Mutant(kind, what, cells.check(spoiled, at))
    finally:
        cells.close()
