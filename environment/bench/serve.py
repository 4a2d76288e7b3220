"""`make bench-serve`: `ttp serve` with a real model under many clients at once.

Starts the program, sends the project's made-up report twenty times alone, then by 32 clients at the
same time for a minute; each sends it again as soon as it has its answer. Every answer has to be as
long as the first one. The result goes to target/bench-serve/results.json; its `ratio` is the 95th
percentile to three times what the queue explains: the time of a request alone, times the clients
for each worker. The clients run on the same machine, and take processor time from the server.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import machine
import memory
import project
from bench import program, race
from bench.race import positive, spread
from project import Problem

FOLDER = project.ROOT / "target" / "bench-serve"
ALONE = 20
# When resident memory is looked at under load; what comes later is growth.
SETTLED_SECONDS = 10.0
STARTS_WITHIN_SECONDS = 120.0
ANSWERS_WITHIN_SECONDS = 120.0
SAYS = "serving on http://"
MOST_ERRORS_SHOWN = 5


@contextlib.contextmanager
def served(command: "list[str]", environment: "dict[str, str]", log: Path) -> "Iterator[tuple]":
    """The server's process and address, until the block ends; then it is stopped as by Ctrl-C."""
    with log.open("w", encoding="utf-8") as errors:
        # A shell has commands in its background ignore SIGINT, and their children with them.
        process = subprocess.Popen(command, cwd=project.ROOT, env=environment, text=True,
                                   stdout=subprocess.PIPE, stderr=errors,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    late = threading.Timer(STARTS_WITHIN_SECONDS, process.kill)
    late.start()
    try:
        line = process.stdout.readline()
        late.cancel()
        if not line.startswith(SAYS):
            raise Problem(f"the server does not say where it listens: {line.strip() or 'nothing'} "
                          f"(its own messages: {log})")
        yield process, line[len(SAYS):].partition("/")[0]
        process.send_signal(signal.SIGINT)
        try:
            status = process.wait(STARTS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            raise Problem("the server does not stop at Ctrl-C") from None
        if status != 0:
            raise Problem(f"the server ended with status {status}: {log}")
    finally:
        late.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def sent(address: str, report: bytes, name: str) -> "tuple[float, int]":
    """Sends a report; the seconds until the answer was whole, and its length."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(address, timeout=ANSWERS_WITHIN_SECONDS)
    try:
        connection.request("POST", "/report", report,
                           {"Accept": "application/json", "X-File-Name": name})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Problem(f"status {answer.status}: {body[:200].decode(errors='replace').strip()}")
        return time.perf_counter() - began, len(body)
    finally:
        connection.close()


class Load:
    """Clients that send a report again and again until a moment."""

    def __init__(self, address: str, report: bytes, name: str, length: int) -> None:
        self.address, self.report, self.name, self.length = address, report, name, length
        self.seconds: list[float] = []
        self.errors: list[str] = []

    def client(self, until: float) -> None:
        while time.perf_counter() < until:
            try:
                seconds, length = sent(self.address, self.report, self.name)
                if length != self.length:
                    raise Problem(f"an answer of {length} bytes, the first one has {self.length}")
                self.seconds.append(seconds)
            except (OSError, http.client.HTTPException, Problem) as problem:
                self.errors.append(f"{type(problem).__name__}: {problem}")

    def run(self, clients: int, seconds: float, look) -> float:
        """Sends by so many clients; `look` is called once, when the load has lasted for a while. The
        seconds until the last answer."""
        began = time.perf_counter()
        threads = [threading.Thread(target=self.client, args=(began + seconds,), daemon=True)
                   for _ in range(clients)]
        for thread in threads:
            thread.start()
        time.sleep(min(SETTLED_SECONDS, seconds / 2))
        look()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began


def measure(arguments: argparse.Namespace) -> dict:
    ttp, model = program.program(arguments), program.model(arguments)
    report, name = program.REPORT.read_bytes(), program.REPORT.name
    command = [str(ttp), "serve", "--port", "0", "--model", str(model),
               "--workers", str(arguments.workers), "--queue", str(max(arguments.clients, 1))]
    load_before, resident = os.getloadavg()[0], {}
    with served(command, program.environment(), FOLDER / "log.txt") as (process, address):
        def look(when: str) -> None:
            resident[when] = memory.status(process.pid)[1]

        look("started")
        answers = [sent(address, report, name) for _ in range(ALONE)]
        alone, length = [seconds for seconds, _ in answers], answers[0][1]
        look("before")
        load = Load(address, report, name, length)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        lasted = load.run(arguments.clients, arguments.seconds, lambda: look("settled"))
        look("end")
        own = resource.getrusage(resource.RUSAGE_SELF)
        peak = memory.status(process.pid)[2]
    if not load.seconds:
        raise Problem(f"no request was answered: {load.errors[0] if load.errors else 'none was sent'}")
    single = statistics.median(alone)
    queue = single * arguments.clients / arguments.workers
    percentiles = {f"p{share}": 1000 * program.percentile(load.seconds, share / 100)
                   for share in (50, 95, 99)}
    return {
        **machine.describe(),
        "load_before": load_before,
        "program": str(ttp),
        "model": str(model),
        "encoder": program.has_encoder(model),
        "clients": arguments.clients,
        "workers": arguments.workers,
        "seconds": lasted,
        "requests": len(load.seconds) + len(load.errors),
        "errors": len(load.errors),
        "first_errors": load.errors[:MOST_ERRORS_SHOWN],
        "requests_a_second": len(load.seconds) / lasted,
        "milliseconds": percentiles,
        "alone_milliseconds": spread([1000 * seconds for seconds in alone]),
        "alone_times_clients_milliseconds": 1000 * single * arguments.clients,
        "queue_milliseconds": 1000 * queue,
        "ratio": percentiles["p95"] / (3 * 1000 * queue),
        "resident_bytes": resident,
        "growth": resident["end"] / resident["settled"] if resident["settled"] else None,
        "peak_bytes": peak,
        "clients_processor_seconds": own.ru_utime + own.ru_stime - usage.ru_utime - usage.ru_stime,
    }


def table(results: dict) -> str:
    times, resident = results["milliseconds"], results["resident_bytes"]
    sizes = ", ".join(f"{when} {count / 1e6:,.1f} MB" for when, count in resident.items())
    errors = "".join(f"\n  {error}" for error in results["first_errors"])
    models = "both models" if results["encoder"] else "the linear model"
    return (
        f"{results['clients']} clients, {results['seconds']:.0f} s, {models}, {results['workers']} "
        f"workers: {results['requests']:,} requests, {results['errors']} errors, "
        f"{results['requests_a_second']:.1f} a second{errors}\n"
        + ", ".join(f"{name} {value:,.0f} ms" for name, value in times.items())
        + f"; alone {results['alone_milliseconds']['median']:,.1f} ms; the queue explains "
        f"{results['queue_milliseconds']:,.0f} ms\n"
        f"ratio {results['ratio']:.3f} (p95 to three times the queue; target: at most 1)\n"
        f"resident memory: {sizes}; growth {results['growth'] or 0:.3f}\n"
        f"{results['machine']['processor']}, {results['machine']['cores']} cores; the clients took "
        f"{results['clients_processor_seconds']:.0f} s of processor time")


def main() -> int:
    options = argparse.ArgumentParser(description="Measure `ttp serve` under many clients.")
    program.add_arguments(options)
    options.add_argument("--clients", type=positive, default=32, help="at the same time [32]")
    options.add_argument("--seconds", type=positive, default=60, help="of load [60]")
    options.add_argument("--workers", type=positive, default=2, help="analyses at once [2]")
    arguments = options.parse_args()
    return race.finish(lambda: measure(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
