"""`.venv/bin/python -m tests.benchmarks.deliveries`: changes a second that one webhook delivers.

A process of its own receives on the loopback address and reads every body. The same changes are
delivered again and again, with one and with several messages in flight, in turns. A round ends when
all are delivered, or after BENCHMARK_SECONDS, with what was delivered by then.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.__main__ import PORT, running_product
from tests.benchmarks.searches import manage

RECEIVER_PORT = PORT + 11
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "2"))
CHANGES = int(os.environ.get("BENCHMARK_CHANGES", "15000"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "12"))
IN_FLIGHT = (1, 4)


def main() -> None:
    os.environ |= {"WEBHOOK_ALLOW_HTTP": "true", "WEBHOOK_INTERNAL_HOSTS": "127.0.0.1"}
    with tempfile.TemporaryDirectory() as folder, receiver():
        data = Path(folder)
        with running_product(data) as facts:
            made = _call(facts, "POST", "", {"name": "Benchmark", "url": URL, "state": "PAUSED"})
            manage(data, "seed_customers", "--node", facts["nodeIds"][0], "--count", str(CHANGES))
            figures: dict[int, list[tuple[float, float]]] = {each: [] for each in IN_FLIGHT}
            for _ in range(ROUNDS):
                for in_flight in IN_FLIGHT:
                    figures[in_flight].append(_round(facts, made, in_flight))
    print(f"{'in flight':>10} {'changes/s':>10} {'CPU ms of 1000':>15}")
    for in_flight, rounds in figures.items():
        rate, cpu = (statistics.median(each) for each in zip(*rounds, strict=True))
        print(f"{in_flight:>10} {rate:>10.0f} {cpu:>15.0f}")


def _round(facts: dict[str, Any], made: Any, in_flight: int) -> tuple[float, float]:
    """Return changes a second, and milliseconds of CPU of all processes but clients for 1000."""
    path = f"/{made['id']}"
    _call(facts, "PUT", path, {"state": "PAUSED", "maxInFlight": in_flight})
    _call(facts, "POST", f"{path}/replay", {"offset": made["deliveredOffset"]})
    start = made["deliveredOffset"]
    used, started = _cpu_seconds(), time.perf_counter()
    _call(facts, "PUT", path, {"state": "ACTIVE"})
    delivered = 0
    while delivered < CHANGES and time.perf_counter() - started < SECONDS:
        time.sleep(0.25)
        delivered = _call(facts, "GET", path)["deliveredOffset"] - start
    seconds, cpu = time.perf_counter() - started, _cpu_seconds() - used
    if not delivered:
        raise SystemExit(f"Nothing was delivered in {SECONDS:.0f} s: {_call(facts, 'GET', path)}")
    return delivered / seconds, cpu * 1e6 / delivered


def _cpu_seconds() -> float:
    """Return the CPU time of the product: our children but the receiver."""
    used = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            command = " ".join(process.cmdline())
            if "celery" in command or "postgres" in command:
                times = process.cpu_times()
                used += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return used


def _call(facts: dict[str, Any], method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{facts['baseUrl']}/hub/v1/workspaces/{facts['workspaceId']}/webhooks{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {facts['tokens']['admin']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


URL = f"http://127.0.0.1:{RECEIVER_PORT}/"


@contextmanager
def receiver() -> Iterator[None]:
    """Run the receiver."""
    process = multiprocessing.get_context("spawn").Process(target=_receive, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _receive() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                length = next(
                    int(line.split(":")[1]) for line in lines if line.startswith("content-length:")
                )
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", RECEIVER_PORT, limit=2**24)
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
