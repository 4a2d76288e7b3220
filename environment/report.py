"""What a run leaves to read: one HTML page a notebook, an index, results.json.

Pages are whole or not there (written beside, then renamed), load nothing, run one
script whose hash their own security policy names, and hold no link but those to
their own headings and to each other. The index holds the text of all of them to search in.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import posixpath
import re
from pathlib import Path

import jinja2
import nbconvert
import nbformat
from nbconvert import HTMLExporter
from traitlets.config import Config

import findings
import freshness
import machine
import notebook_file
import project
import words
from files import write_whole
from findings import text_of
from harmless import harmless, harmless_text
from profiles import Profile
from project import Problem

TEMPLATES = project.ENVIRONMENT / "template"
SCHEMA = 1
HEADING = re.compile(r'<h([23]) id="([^"]+)">(.*?)</h\1>', re.DOTALL)
TAG = re.compile(r"<[^>]+>")


def reports_folder() -> Path:
    return project.output() / "reports"


def write_notebook(nb, path: Path) -> None:
    write_whole(path, nbformat.writes(nb) + "\n")


# -- one notebook ---------------------------------------------------------------------

def write_html(nb, path: Path) -> None:
    write_whole(path, html(nb))


def render(path: Path) -> None:
    """The page of an executed notebook, written again."""
    write_html(notebook_file.read(path), path.with_suffix(".html"))


def look() -> str:
    """One digest over what a page is made with, beyond the notebook."""
    whole = hashlib.sha256(nbconvert.__version__.encode())
    own = [project.ENVIRONMENT / name
           for name in ("report.py", "findings.py", "words.py", "harmless.py")]
    for path in own + sorted(p for p in TEMPLATES.rglob("*") if p.is_file()):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def html(nb) -> str:
    nb = with_named_files(with_harmless_outputs(nb))
    style, script = asset("style.css"), asset("script.js")
    exporter = HTMLExporter(
        template_name="ttp",
        extra_template_basedirs=[str(TEMPLATES)],
        anchor_link_text="",
        config=Config({"NbConvertBase": {"display_data_priority": list(SHOWN)}}),
    )
    exporter.register_filter("figure_bytes", figure_bytes)
    exporter.register_filter("figure_seconds", figure_seconds)
    resources = {"ttp": {"policy": policy(script), "style": style, "script": script,
                         "title": title(nb), "run": nb.metadata.get("ttp", {}).get("run", {})}}
    page, _ = exporter.from_notebook_node(nb, resources)
    return page.replace("<!--contents-->", contents(page), 1)


# A link to a file beside the notebook or above it, and to a heading there.
FILE_LINK = re.compile(r"\[([^\]\n]+)\]\(([^)\s:#]+)(?:#[^)\s]*)?\)")

SHOWN = {
    "image/svg+xml": harmless,
    "text/html": harmless,
    "image/png": lambda text: re.sub(r"[^A-Za-z0-9+/=]", "", text),
    "text/plain": harmless_text,
}


def with_harmless_outputs(nb):
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                kinds = ", ".join(output.data)
                output.data = {kind: clean(text_of(output.data[kind]))
                               for kind, clean in SHOWN.items() if kind in output.data}
                if not output.data:
                    output.data = {"text/plain": harmless_text(f"(an output of kind {kinds})")}
            elif output.output_type == "stream":
                output.text = harmless_text(text_of(output.text))
            elif output.output_type == "error":
                output.traceback = [harmless_text(line) for line in output.traceback]
    return nb


def with_named_files(nb):
    """A notebook links to files of the project. A page may be anywhere, so it names them. The
    glossary is in the index, which lies beside the page."""
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            text = text_of(cell.source).replace("](README.md#words)", "](index.html#glossary)")
            cell.source = FILE_LINK.sub(named_file, text)
    return nb


def named_file(link: re.Match) -> str:
    if link[2] == "index.html":
        return link[0]
    text, path = link[1], posixpath.normpath(f"notebooks/{link[2]}")
    return f"`{path}`" if path.endswith(text) else f"{text} (`{path}`)"


def contents(page: str) -> str:
    """The table of contents, from the headings that are in the page."""
    items = []
    for level, anchor, inner in HEADING.findall(page):
        items.append(f'<li class="level{level}"><a href="#{anchor}">{TAG.sub("", inner).strip()}</a></li>')
    return "\n".join(items)


def policy(script: str) -> str:
    """Nothing is fetched; the only script that runs is ours, whatever an output holds."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return ("default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
            f"script-src 'sha256-{digest}'; form-action 'none'; base-uri 'none'")


def asset(name: str) -> str:
    return (TEMPLATES / "ttp" / name).read_text(encoding="utf-8")


def title(nb) -> str:
    for cell in nb.cells:
        match = re.match(r"\s*#\s+(.+)", cell.source) if cell.cell_type == "markdown" else None
        if match:
            return plain(match.group(1))
    return "Notebook"


def story(nb) -> str:
    """The first paragraph below the title: what the notebook tells, in a line."""
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(r"^\s*#\s+.+\n*", "", cell.source)
        paragraph = text.strip().split("\n\n")[0].replace("\n", " ")
        if paragraph:
            return plain(paragraph)
    return ""


def plain(markdown: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"[*`_]{1,2}(\S(?:.*?\S)?)[*`_]{1,2}", r"\1", text).strip()


def figure_bytes(value) -> str:
    if not isinstance(value, (int, float)) or not value:
        return "not measured"
    return f"{value / 2**30:.2f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"


def figure_seconds(value) -> str:
    if not isinstance(value, (int, float)):
        return "not measured"
    if value < 60:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes} min {seconds} s"


# -- all of them ----------------------------------------------------------------------

def executed() -> list[Path]:
    return [path for path in sorted(reports_folder().glob("[0-9][0-9]_*.ipynb"))
            if not path.name.endswith(".failed.ipynb")]


def render_again() -> None:
    """Every page from its executed notebook, for instance after the template changed."""
    paths = executed()
    if not paths:
        raise Problem(f"{reports_folder()} holds no executed notebook: run `make reproduce` first")
    for path in paths:
        render(path)
    write_index()
    print(f"{len(paths)} reports written to {reports_folder()}")


# The families of files of which each model has its own.
BY_MODEL = ("finetune", "pretraining")


def results(profile: str) -> dict:
    """What runs under a profile made of results/*.json, in one object. Another profile's figures
    can stand beside them after a notebook was run alone."""
    made = freshness.made_under(profile)
    paths = sorted((project.output() / "results").glob("*.json"))
    return merged([path for path in paths if str(path) in made])


def merged(paths: list[Path]) -> dict:
    """Files in one object, by their names. The rule is ttp_base::results', and
    tests/results_cases.json holds both to it."""
    found: dict = {}
    for path in paths:
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Problem(f"{path}: {error}") from error
        family, _, rest = path.name[:-len(".json")].partition(".")
        if rest and family in BY_MODEL:
            value = {rest: value}
        join(found, family, value, path)
    return found


def join(found: dict, family: str, value, path: Path) -> None:
    """Puts a value under its family's name, or its fields beside those that stand there."""
    if family not in found:
        found[family] = value
        return
    before = found[family]
    if not isinstance(before, dict) or not isinstance(value, dict):
        raise Problem(f"{path}: an object is needed, to join with what {family} has")
    twice = sorted(before.keys() & value.keys())
    if twice:
        raise Problem(f"{path}: field {twice[0]!r} is in another file of {family} too")
    before.update(value)


def whole_results(profile: Profile) -> dict:
    return {"schema": SCHEMA, "profile": profile.name, "commit": machine.commit(),
            **results(profile.name)}


def check_whole(profile: Profile) -> None:
    """results.json and index.html are of the results and pages that stand here: nobody's hand, and
    no notebook that was run alone later, has made them another's."""
    there, wanted = written_results(), json.loads(json.dumps(whole_results(profile)))
    differ = sorted(name for name in (there.keys() | wanted.keys()) - {"commit"}
                    if there.get(name) != wanted.get(name))
    if differ:
        raise Problem(f"{reports_folder() / 'results.json'} does not have what results/ has, under "
                      f"{differ[0]}: run `make reproduce` first")
    index_page = reports_folder() / "index.html"
    if not index_page.exists() or index_page.read_text(encoding="utf-8") != index():
        raise Problem(f"{index_page} is not of the pages beside it: run `make reproduce` first")


def write_results(profile: Profile) -> None:
    whole = whole_results(profile)
    write_whole(reports_folder() / "results.json", json.dumps(whole, indent=2) + "\n")


def written_results() -> dict:
    """What the last whole look at the results found: figures of one profile."""
    try:
        value = json.loads((reports_folder() / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_index() -> None:
    write_whole(reports_folder() / "index.html", index())


def index() -> str:
    rows, found, notebooks, pages = [], [], [], []
    for path in executed():
        nb, page = notebook_file.read(path), path.with_suffix(".html")
        run = nb.metadata.get("ttp", {}).get("run", {})
        row = {"page": page.name, "title": title(nb), "story": story(nb), "run": run,
               "thumbnail": findings.thumbnail(nb)}
        rows.append(row)
        notebooks.append(nb)
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        pages.append((page.name, titled(row), text))
        found += finding(nb, row, text)
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES / "ttp"),
                                     autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(figure_bytes=figure_bytes, figure_seconds=figure_seconds)
    held, script, results_of_all = words.index(pages), asset("search.js"), written_results()
    return environment.get_template("overview.html.j2").render(
        rows=rows, figures=headline(results_of_all), latest=rows[-1]["run"] if rows else {},
        found=found, table=last_table(notebooks, results_of_all.get("profile")), words=held,
        held=words.as_script(held), script=script, policy=policy(script), style=asset("style.css"),
        total=sum(row["run"].get("seconds", 0) for row in rows), glossary=glossary(),
    )


def glossary(path: Path = project.NOTEBOOKS / "README.md") -> list[tuple[str, str]]:
    """The terms and what they mean, from the table under "Words" of the notebooks' README."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    below = text.partition("\n## Words\n")[2]
    table = re.search(r"^\| word \| means \|\n\|[-|]+\|\n((?:\|.*\|\n)+)", below, re.MULTILINE)
    rows = table[1].splitlines() if table else []
    return [(plain(word), plain(means)) for word, means in
            (row.strip("| ").split(" | ", 1) for row in rows)]


def titled(row: dict) -> str:
    checkpoint = row["run"].get("checkpoint")
    return f"{row['title']} ({checkpoint})" if checkpoint else row["title"]


def finding(nb, row: dict, page: str) -> list[dict]:
    """What a notebook saw, for the index: its first lines, or a small table."""
    lines = findings.lines(nb)
    table = None if lines else findings.table(nb)
    if not lines and not table:
        return []
    anchor = next((anchor for _, anchor, inner in HEADING.findall(page)
                   if TAG.sub("", inner).strip().casefold() == findings.HEADING.casefold()), "")
    return [{"page": row["page"], "anchor": anchor, "title": row["title"], "table": table,
             "checkpoint": row["run"].get("checkpoint"), "lines": lines[:findings.LINES],
             "more": len(lines[findings.LINES:])}]


def last_table(notebooks: list, profile: str | None) -> str | None:
    """The table that a run ends with, as the notebook that made it shows it."""
    path = project.output() / "results" / "comparison.txt"
    own = [nb for nb in notebooks
           if nb.metadata.get("ttp", {}).get("run", {}).get("profile") == profile]
    if not path.exists():
        return None
    return findings.table_of_title(own, path.read_text(encoding="utf-8").partition("\n")[0])


def headline(found: dict) -> list[dict]:
    """The figures that a reader looks for first, of those that there are."""
    figures = []
    corpus = found.get("corpus", {})
    for key, name in (("rows", "sentences"), ("techniques", "techniques"),
                      ("techniques_kept", "techniques kept"), ("balanced_rows", "balanced rows")):
        if isinstance(corpus.get(key), (int, float)):
            figures.append({"value": f"{corpus[key]:,}", "name": name})
    for key, name in (
        ("leaked_test_rows", "test rows with a relative in training, paper's split"),
        ("copies_in_training", "of them with an augmented copy in training"),
    ):
        counted = corpus.get(key)
        if isinstance(counted, dict) and isinstance(counted.get("paper"), int):
            figures.append({"value": f"{counted['paper']:,}", "name": name})
    for run, scores in sorted(found.get("finetune", {}).items()):
        if not isinstance(scores, dict) or not isinstance(scores.get("f1_macro"), (int, float)):
            continue
        interval = scores.get("f1_macro_interval")
        text = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
        figures.append({"value": f"{scores['f1_macro']:.3f}", "name": f"macro-F1, {run}{text}"})
    return figures


def print_end(outputs: list[Path]) -> None:
    """A run's last lines: the comparison table, if it is this run's, and the index."""
    table = project.output() / "results" / "comparison.txt"
    if table in outputs and table.exists():
        print("\n" + table.read_text(encoding="utf-8").rstrip())
    print(f"\n{reports_folder() / 'index.html'}")
