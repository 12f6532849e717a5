"""`.venv/bin/python -m tests.benchmarks.concurrency`: 1, 16 and 64 connections, with CPU a request.

Each operation against the bare function that does its one statement, in turns on the same server.
CPU is that of the web processes and of PostgreSQL, in microseconds a request. The last row is 16
connections that change one and the same customer, which has no bare counterpart.

BENCHMARK_ROUNDS, BENCHMARK_SECONDS and BENCHMARK_CONNECTIONS ("1 16 64") change how much is done.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.__main__ import BARE_PORT, PORT, _id_of, bare_inserts, running_product
from tests.benchmarks.load import requests_per_second
from tests.benchmarks.operations import Operations

ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "2"))
CONNECTIONS = [int(each) for each in os.environ.get("BENCHMARK_CONNECTIONS", "1 16 64").split()]
CUSTOMERS = 200  # that are read and changed in turns
EXPECTED = (b"HTTP/1.1 200", b"HTTP/1.1 201", b"HTTP/1.1 202")


@dataclass(frozen=True)
class Measured:
    """Requests a second, and microseconds of CPU a request: of the web server and of PostgreSQL."""

    rate: float
    web: float
    database: float


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts, bare_inserts(data):
            _measure(facts)


def _measure(facts: dict[str, Any]) -> None:
    makes = Operations(facts, [], [])
    ours = [_id_of(PORT, makes.new_customer()) for _ in range(CUSTOMERS)]
    bare = [_id_of(BARE_PORT, makes.new_bare()) for _ in range(CUSTOMERS)]
    makes = Operations(facts, ours, bare)
    only = os.environ.get("BENCHMARK_ONLY", "")
    rows = {name: pair for name, pair in makes.pairs().items() if only in name}
    print(
        f"{'':18} {'conn.':>5} {'bare /s':>8} {'ours /s':>8} {'ratio':>6}"
        f" {'bare web+PG':>12} {'ours web+PG':>12}   (median of {ROUNDS} rounds)"
    )
    for (name, pair), connections in itertools.product(rows.items(), CONNECTIONS):
        rounds = [
            [
                _measured(port, made, connections)
                for port, made in zip((BARE_PORT, PORT), pair, strict=True)
            ]
            for _ in range(ROUNDS)
        ]
        _print(name, connections, rounds)
    hot = [_measured(PORT, lambda: makes.patch(ours[0]), 16) for _ in range(ROUNDS)]
    reported = f"{statistics.median(each.rate for each in hot):8.0f} {'':6} {'':12} {_cpu(hot):>12}"
    print(f"{'PATCH the same one':18} {16:5} {'':8} {reported}", flush=True)


def _print(name: str, connections: int, rounds: list[list[Measured]]) -> None:
    bare, ours = (list(each) for each in zip(*rounds, strict=True))
    ratio = statistics.median(our.rate / its.rate for its, our in zip(bare, ours, strict=True))
    rates = [statistics.median(each.rate for each in some) for some in (bare, ours)]
    print(
        f"{name:18} {connections:5} {rates[0]:8.0f} {rates[1]:8.0f} {ratio:6.2f}"
        f" {_cpu(bare):>12} {_cpu(ours):>12}",
        flush=True,
    )


def _cpu(measured: list[Measured]) -> str:
    web = statistics.median(each.web for each in measured)
    database = statistics.median(each.database for each in measured)
    return f"{web:.0f}+{database:.0f}"


def _measured(port: int, made: Callable[[], bytes], connections: int) -> Measured:
    web, database = web_processes(port), database_processes()
    before = _seconds(web), _seconds(database)
    rate = requests_per_second(
        port, made, seconds=SECONDS, expected=EXPECTED, connections=connections
    )
    requests = rate * SECONDS / 1e6
    spent = _seconds(web) - before[0], _seconds(database) - before[1]
    return Measured(rate, spent[0] / requests, spent[1] / requests)


def web_processes(port: int) -> list[psutil.Process]:
    """Granian that listens at the port, and its workers."""
    found = set()  # a worker is forked, and has the command line of its parent
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "granian" in line and str(port) in line:
            found |= {process, *process.children(recursive=True)}
    return list(found)


def database_processes() -> list[psutil.Process]:
    """PostgreSQL's processes that the product has started."""
    return [each for each in psutil.Process().children(recursive=True) if _name(each) == "postgres"]


def _name(process: psutil.Process) -> str:
    """The process's name, "" when it has ended."""
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""


def _seconds(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


if __name__ == "__main__":
    main()
