"""What a report says about where it was made: machine, versions, commit, time."""

from __future__ import annotations

import functools
import os
import platform
import re
from datetime import datetime, timezone
from pathlib import Path

import project


def describe() -> dict:
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "machine": {
            "processor": processor(),
            "processor_family": processor_family(),
            "vectors": vectors(),
            "cores": cores(),
            "memory_bytes": memory_bytes(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": versions(),
    }


def commit() -> str:
    """The commit's short name, with `+` where the working tree differs from it."""
    name = project.run_for_text(["git", "rev-parse", "--short=12", "HEAD"], project.ROOT).strip()
    if not name:
        return "unknown"
    changed = project.run_for_text(["git", "status", "--porcelain"], project.ROOT).strip()
    return name + ("+" if changed else "")


def processor() -> str:
    text = cpu_info()
    if not text:
        return project.run_for_text(["sysctl", "-n", "machdep.cpu.brand_string"]).strip() or "unknown"
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match.group(1) if match else platform.machine()


def processor_family() -> str:
    """A processor's maker, family and model, for instance `AuthenticAMD 25 1`: names of
    virtual machines' processors often do not say which it is."""
    text = cpu_info()
    found = (re.search(rf"^{key}\s*:\s*(.+)$", text, re.MULTILINE)
             for key in ("vendor_id", "cpu family", "model"))
    return " ".join(match.group(1) for match in found if match) or "unknown"


def vectors() -> str:
    """The widest vectors that the processor has, which decide how fast it multiplies."""
    match = re.search(r"^flags\s*:\s*(.+)$", cpu_info(), re.MULTILINE)
    flags = set(match.group(1).split()) if match else set()
    known = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX"))
    return next((name for flag, name in known if flag in flags), "unknown")


def cpu_info() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return ""


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


@functools.lru_cache(maxsize=None)
def rustc() -> str:
    text = project.run_for_text(["rustc", "--version"]).split()
    return text[1] if len(text) > 1 else "unknown"


def versions() -> dict[str, str]:
    lock = (project.ROOT / "Cargo.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock))
    return {
        "rustc": rustc(),
        "libtorch": libtorch(),
        **{name: locked.get(name, "unknown") for name in ("tch", "rust-bert", "tokenizers", "polars")},
        "evcxr": project.EVCXR_VERSION,
    }


def libtorch() -> str:
    folder = project.libtorch()
    try:
        version = (folder / "build-version").read_text(encoding="utf-8").strip()
    except OSError:
        version = "of unknown version"
    if os.environ.get("TTP_LIBTORCH"):
        return f"{version} (own)"
    return f"{version} ({'CUDA' if project.wants_cuda() else 'CPU'})"


