"""How much memory a kernel took at most, as the Linux kernel counts it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

PERIOD_SECONDS = 0.5


class Watch:
    """Looks at a process and its descendants twice a second until stopped.

    `kernel_peak` is the largest "high water mark" of a process that runs cells (the
    system's own figure, so nothing is missed between two looks); `tree_peak` is the
    largest sum over all processes, compilers included, at one look. Both are in
    bytes, and `None` where there is no /proc.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.kernel = 0
        self.tree = 0
        self.stopped = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self, pid: int) -> None:
        self.pid = pid
        if Path("/proc/self/status").exists():
            self.thread = threading.Thread(target=self.run, daemon=True)
            self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        if self.thread:
            self.thread.join()

    def run(self) -> None:
        while not self.stopped.is_set():
            self.look()
            self.stopped.wait(PERIOD_SECONDS)

    def look(self) -> None:
        total = 0
        for pid in descendants(self.pid):
            name, now, peak = status(pid)
            total += now
            if name.startswith("evcxr"):
                self.kernel = max(self.kernel, peak)
        self.tree = max(self.tree, total)

    def kernel_peak(self) -> int | None:
        if self.thread and not self.stopped.is_set():
            self.look()
        return self.kernel or None

    def tree_peak(self) -> int | None:
        return self.tree or None


def status(pid: int) -> tuple[str, int, int]:
    """Name, resident bytes and their high water mark; zeros for one that has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return "", 0, 0
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    kib = {key: int(fields[key].split()[0]) for key in ("VmRSS", "VmHWM") if key in fields}
    return fields.get("Name", "").strip(), 1024 * kib.get("VmRSS", 0), 1024 * kib.get("VmHWM", 0)


def descendants(pid: int) -> list[int]:
    found, open_ends = [], [pid]
    while open_ends:
        parent = open_ends.pop()
        found.append(parent)
        # It, or one of its threads, may end between any two of these lines.
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except OSError:
            continue
        for thread in threads:
            try:
                children = Path(f"/proc/{parent}/task/{thread}/children").read_text()
            except OSError:
                continue
            open_ends += map(int, children.split())
    return found
