"""`.venv/bin/python -m tests.benchmarks.memory`: what the web processes take up while they serve.

BENCHMARK_SECONDS (3600) of reads, new customers, changes and events over 16 connections; a line of
memory, threads and database connections every BENCHMARK_EVERY (300) seconds.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.__main__ import PORT, _id_of, running_product
from tests.benchmarks.concurrency import EXPECTED, database_processes, web_processes
from tests.benchmarks.load import requests_per_second
from tests.benchmarks.operations import Operations

SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "3600"))
EVERY = float(os.environ.get("BENCHMARK_EVERY", "300"))
CUSTOMERS = 200


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder)) as facts:
        _measure(facts)


def _measure(facts: dict[str, Any]) -> None:
    makes = Operations(facts, [], [])
    ids = [_id_of(PORT, makes.new_customer()) for _ in range(CUSTOMERS)]
    made = [ours for _, ours in Operations(facts, ids, ids).pairs().values()]
    print(f"{'minutes':>8} {'requests':>9} {'web MB':>7} {'threads':>8} {'backends':>9}")
    started, requests = time.monotonic(), 0.0
    _tell(started, requests)
    while time.monotonic() - started < SECONDS:
        begun = time.monotonic()
        while time.monotonic() - begun < EVERY:
            for each in made:
                requests += requests_per_second(PORT, each, seconds=1.0, expected=EXPECTED)
        _tell(started, requests)


def _tell(started: float, requests: float) -> None:
    """Memory is private to the web processes, the pages that they share left out."""
    web = web_processes(PORT)
    memory = sum(_private(each) for each in web) / 2**20
    threads = sum(each.num_threads() for each in web)
    backends = len(database_processes())
    minutes = (time.monotonic() - started) / 60
    print(f"{minutes:8.1f} {requests:9.0f} {memory:7.0f} {threads:8} {backends:9}", flush=True)


def _private(process: psutil.Process) -> int:
    found: int = process.memory_full_info().uss
    return found


if __name__ == "__main__":
    main()
