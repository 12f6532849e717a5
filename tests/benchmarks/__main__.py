"""`.venv/bin/python -m tests.benchmarks`: figures as ratios to baselines of the same run.

Starts the product in a folder of its own, and beside it the bare function on the same server with
the same number of workers and threads; measures them in turns and prints medians.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from contacthub_project.runtime.embedded import PostgresServer
from tests.benchmarks.breakdown import customer
from tests.benchmarks.load import http_request, requests_per_second

ROOT = Path(__file__).resolve().parent.parent.parent
PORT = int(os.environ.get("BENCHMARK_PORT", "18470"))
BARE_PORT = PORT + 10
WORKERS = "2"
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "4"))
OK = (b"HTTP/1.1 200", b"HTTP/1.1 201")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts, bare_inserts(data):
            _measure(facts)
            _break_down(data, facts)


def _measure(facts: dict[str, Any]) -> None:
    token, node = facts["tokens"]["trusted"], facts["nodeIds"][0]
    customers = f"/hub/v1/workspaces/{facts['workspaceId']}/customers"
    numbers = itertools.count()

    def post(path: str) -> bytes:
        body = customer(node, f"person{next(numbers)}")
        return http_request("POST", path, token=token, body=body)

    ours = _id_of(PORT, post(customers))
    bare = _id_of(BARE_PORT, post("/"))
    figures: dict[str, list[tuple[Callable[[], bytes], int]]] = {
        "POST /customers (new)": [(lambda: post("/"), BARE_PORT), (lambda: post(customers), PORT)],
        "GET one customer": [
            (lambda: http_request("GET", f"/{bare}"), BARE_PORT),
            (lambda: http_request("GET", f"{customers}/{ours}", token=token), PORT),
        ],
    }
    print(f"{'':24} {'bare /s':>9} {'ours /s':>9} {'ratio':>7}   (median of {ROUNDS} rounds)")
    for name, pair in figures.items():
        rounds = [
            [requests_per_second(port, made, seconds=SECONDS, expected=OK) for made, port in pair]
            for _ in range(ROUNDS)
        ]
        ratio = statistics.median(ours / bare for bare, ours in rounds)
        bare_rate, our_rate = (statistics.median(rates) for rates in zip(*rounds, strict=True))
        print(f"{name:24} {bare_rate:9.0f} {our_rate:9.0f} {ratio:7.2f}", flush=True)


def _break_down(data: Path, facts: dict[str, Any]) -> None:
    environment = os.environ | {"CONTACTHUB_DATA": str(data), "HTTPS": "false"}
    arguments = [facts["workspaceId"], facts["nodeIds"][0], facts["tokens"]["trusted"]]
    subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.breakdown", *arguments],
        env=environment,
        cwd=ROOT,
        check=True,
    )


@contextmanager
def running_product(data: Path) -> Iterator[dict[str, Any]]:
    environment = os.environ | {"CONTACTHUB_DATA": str(data)}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(PORT), "--workers", WORKERS],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stdout or ():
            if line.startswith("Ctrl-C"):
                break
        yield json.loads((data / "demo.json").read_text())
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def bare_inserts(data: Path) -> Iterator[None]:
    address = PostgresServer(data)._address("contacthub")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (id uuid PRIMARY KEY, document jsonb)")
    process = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(BARE_PORT),
            "--workers", WORKERS, "--blocking-threads", "3", "--no-ws", "--http", "1",
            "--log-level", "error", "tests.benchmarks.minimal_requests:application",
        ],
        env=os.environ | {"BARE_DATABASE": address},
        cwd=ROOT,
    )  # fmt: skip
    try:
        time.sleep(2)
        yield
    finally:
        process.terminate()
        process.wait()


def _id_of(port: int, request: bytes) -> str:
    head, _, body = request.partition(b"\r\n\r\n")
    path = head.split(b" ")[1].decode()
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    sent = urllib.request.Request(f"http://localhost:{port}{path}", data=body, headers=headers)
    with urllib.request.urlopen(sent) as answer:
        return json.loads(answer.read())["id"]


if __name__ == "__main__":
    main()
