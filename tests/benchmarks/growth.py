"""`.venv/bin/python -m tests.benchmarks.growth`: the same requests in a node that grows.

Each operation over 16 connections against the bare function, whose table stays small, at each of
BENCHMARK_SIZES ("10000 1000000" customers); the last column is the last ratio by the first.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.__main__ import BARE_PORT, PORT, _id_of, bare_inserts, running_product
from tests.benchmarks.concurrency import EXPECTED
from tests.benchmarks.load import requests_per_second
from tests.benchmarks.operations import Operations
from tests.benchmarks.searches import address_of, manage

SIZES = [int(each) for each in os.environ.get("BENCHMARK_SIZES", "10000 1000000").split()]
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "2"))
SAMPLE = 2000  # customers that are read and changed in turns


def main() -> None:
    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts, bare_inserts(data):
            seeded = 0
            for size in SIZES:
                node = facts["nodeIds"][0]
                count = str(size - seeded)
                manage(
                    data, "seed_customers", "--node", node, "--count", count, "--first", str(seeded)
                )
                seeded = size
                for name, ratio in _measured(data, facts).items():
                    ratios.setdefault(name, []).append(ratio)
    print(f"{'':18} {' '.join(f'{size:>9}' for size in SIZES)} {'growth':>7}")
    for name, found in ratios.items():
        reported = " ".join(f"{each:9.2f}" for each in found)
        print(f"{name:18} {reported} {found[-1] / found[0]:7.2f}", flush=True)


def _measured(data: Path, facts: dict[str, Any]) -> dict[str, float]:
    """The ratio of our rate to the bare one, by operation; medians of rounds in turns."""
    with psycopg.connect(address_of(data)) as connection:
        rows = connection.execute(
            "SELECT id FROM customers_customer WHERE node_id = %s", [facts["nodeIds"][0]]
        ).fetchall()
    ids = [str(row[0]) for row in random.sample(rows, min(SAMPLE, len(rows)))]
    makes = Operations(facts, ids, ids)
    bare = [_id_of(BARE_PORT, makes.new_bare()) for _ in range(200)]
    ratios = {}
    for name, pair in Operations(facts, ids, bare).pairs().items():
        rounds = []
        for _ in range(ROUNDS):
            its, our = (
                requests_per_second(port, made, seconds=SECONDS, expected=EXPECTED)
                for port, made in zip((BARE_PORT, PORT), pair, strict=True)
            )
            rounds.append(our / its)
        ratios[name] = statistics.median(rounds)
    return ratios


if __name__ == "__main__":
    main()
