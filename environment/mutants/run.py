"""A made-up run of three notebooks, small and whole: inputs, results, pages and records."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from unittest import mock

from nbformat import v4

import freshness
import machine
import notebook_file
import profiles
import project
import report
import run_notebooks
from profiles import Profile
from tests.support import CATALOGUE, PROFILE, notebook

SVG = ('<svg xmlns="http://www.w3.org/2000/svg" width="960" height="420" viewBox="0 0 7680 3360">'
       '<title>{title}</title>\n<rect x="0" y="0" width="7680" height="3360" fill="#FFFFFF"/>\n'
       '<line x1="80" y1="80" x2="80" y2="3000"/>\n<text x="90" y="70">{title}</text>\n{marks}</svg>')
MARKS = ('<circle cx="100" cy="200" r="24"/>\n', '<rect x="9" y="8" width="70" height="60"/>\n',
         '<polyline points="1,2 3,4"/>\n', '<polygon points="1,2 3,4 5,6"/>\n')
RAW = "data/raw/attack-v10.1/bundle.json"
NOTEBOOKS = {
    "01_corpus": dict(inputs=[RAW], outputs=["data/processed/splits", "results/corpus.json"]),
    "06_finetune": dict(per_checkpoint=True, inputs=["data/processed/splits"],
                        outputs=["results/finetune.{checkpoint}.clean.json"]),
    "07_comparison": dict(inputs=["results/finetune.*.json"], outputs=["results/comparison.json"]),
}


class Run(contextlib.ExitStack):
    """The run, in a folder of its own; `with` takes it for the project's."""

    def __enter__(self) -> "Run":
        super().__enter__()
        self.root = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="ttp-mutants-"))).resolve()
        catalogue = "ttp-lib/crates/model/src/pretrained/catalogue.json"
        for module, name, value in (
            (project, "ROOT", self.root), (project, "NOTEBOOKS", self.root / "notebooks"),
            (profiles, "FOLDER", self.root / "notebooks/profiles"),
            (profiles, "CATALOGUE", self.root / catalogue),
            (machine, "rustc", lambda: "1.95.0"), (machine, "libtorch", lambda: "2.4.0 (CPU)"),
        ):
            self.enter_context(mock.patch.object(module, name, value))
        names = ("TTP_OUT", "TTP_CHECKPOINT", "TTP_SOURCES", "TTP_MODELS", "TTP_LIBTORCH", "CUDA")
        self.enter_context(mock.patch.dict(os.environ, {**dict.fromkeys(names, ""), "TTP_PROFILE": "laptop"}))
        for path, text in {
            "notebooks/profiles/laptop.json": json.dumps({**PROFILE, "name": "laptop"}),
            "notebooks/profiles/smoke.json": json.dumps(PROFILE), catalogue: json.dumps(CATALOGUE),
            "ttp-lib/src/lib.rs": "pub fn f() -> u32 { 7 }\n", "ttp-lib/Cargo.toml": "[package]\n",
            "Cargo.toml": "[workspace]\n", "Cargo.lock": 'name = "tch"\nversion = "0.17.0"\n',
            ".cargo/config.toml": "[profile.dev]\n", RAW: '{"objects": [1, 2, 3]}',
            **{f"notebooks/{name}.ipynb": notebook(f"# {name[:2]} · {name[3:]}\n\nA story.", "let x = 1;",
                                                   "## What we saw\n\nSaid.", "plot.draw()?", **ttp)
               for name, ttp in NOTEBOOKS.items()},
        }.items():
            self.write(path, text)
        self.make("laptop")
        return self

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def states(self, profile: str = "laptop") -> "list[freshness.State]":
        read = Profile.read(profile)
        return [state for path in run_notebooks.notebooks([]) for state in run_notebooks.runs(path, read)]

    def make(self, profile: str, only: "str | None" = None) -> None:
        """Runs the notebooks, or one, as the runner does, but for the cells."""
        for state in self.states(profile):
            if only in (None, state.name):
                state.begin()
                for number, path in enumerate(state.outputs):
                    self.write_output(path, state.name, number, profile)
                nb = executed(state, profile)
                state.check_outputs()
                report.write_notebook(nb, state.report("ipynb"))
                report.write_html(nb, state.report("html"))
                state.remember(1.0, report.look())
        if only is None:
            report.write_results(Profile.read(profile))
            report.write_index()

    def write_output(self, path: Path, name: str, number: int, profile: str) -> None:
        inner = path.relative_to(self.root).as_posix()
        value = 0.1 * number + len(name) / 97 + len(profile) / 911
        if not inner.endswith(".json"):
            for part in ("train", "validation", "test"):
                rows = "\n".join(f"{row},T10{row % 4 + 50},sentence {row},original" for row in range(9))
                self.write(f"{inner}/clean/{part}.csv", f"row,technique,sentence,operation\n{rows}\n")
        else:
            self.write(inner, json.dumps({"f1_macro": value, "rows": 130 + number, "of": name}))

    def files(self) -> "dict[Path, bytes]":
        return {path: path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}

    def restore(self, before: "dict[Path, bytes]") -> None:
        for path, content in self.files().items():
            if path not in before:
                path.unlink()
            elif content != before[path]:
                path.write_bytes(before[path])
        for path, content in before.items():
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def executed(state: freshness.State, profile: str):
    nb = notebook_file.read(state.path)
    nb.metadata.ttp["run"] = {"notebook": state.name, "profile": profile, "checkpoint": state.checkpoint,
                              "seconds": 1.0, "machine": {"cores": 2}, "versions": {}}
    marks = MARKS[len(state.name) % len(MARKS)] * 3
    outputs = [[v4.new_output("stream", name="stdout", text=f"macro F1 0.8{len(state.name)}7\n"),
                v4.new_output("display_data", data={"text/html": '<div class="ttp-table"><table><tr><td>0.912'
                                                                 '</td></tr></table></div>'})],
               [v4.new_output("display_data", data={"image/svg+xml": SVG.format(title=state.name, marks=marks)})]]
    for cell, made in zip((cell for cell in nb.cells if cell.cell_type == "code"), outputs):
        cell.outputs, cell.execution_count = made, 1
    return nb
