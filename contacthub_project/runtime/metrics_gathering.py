"""Gathers the metrics of several processes over a unix socket, and serves their sums.

A process connects when it counts for the first time, and responds to each byte that it receives
with all of its values as JSON. The last report of a process still counts when the process has
ended, so sums never decrease; what it counted after that is lost.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

import orjson
import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

SOCKET = "metrics.sock"
ADDRESS = "METRICS_SOCKET"  # environment variable of processes that are gathered
ANSWER_SECONDS = 1.0  # of a process that takes longer the last report is used
LARGEST_REPORT = 64 << 20
PAUSE_SECONDS = 1.0

log = structlog.get_logger("contacthub.metrics")


def report(address: str, registry: CollectorRegistry) -> None:
    """Respond to the gatherer's requests from a thread of this process; returns immediately."""
    thread = threading.Thread(target=_report, args=(address, registry), daemon=True, name="metrics")
    thread.start()


def _report(address: str, registry: CollectorRegistry) -> None:
    while True:
        with contextlib.suppress(OSError, EOFError), Client(address, "AF_UNIX") as gatherer:
            while True:
                gatherer.recv_bytes(1)
                gatherer.send_bytes(orjson.dumps(_values_of(registry)))
        time.sleep(PAUSE_SECONDS)


def _values_of(registry: CollectorRegistry) -> list[Any]:
    """Name, help, type and samples (name, labels, value) of each metric."""
    return [
        (
            metric.name, metric.documentation, metric.type,
            [(each.name, each.labels, each.value) for each in metric.samples],
        )
        for metric in registry.collect()
    ]  # fmt: skip


@dataclass
class Sums:
    """Sums of metrics; `values` by sample name and labels, in the order of their first report."""

    metrics: dict[str, tuple[str, str]] = field(default_factory=dict)
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = field(
        default_factory=dict
    )

    def add(self, report: bytes) -> None:
        """Add a process's report; None adds nothing."""
        for name, documentation, kind, samples in orjson.loads(report or b"[]"):
            self.metrics[name] = (documentation, kind)
            values = self.values.setdefault(name, {})
            for sample, labels, value in samples:
                key = (sample, tuple(labels.items()))
                values[key] = values.get(key, 0.0) + value

    def merge(self, other: Sums) -> None:
        """Add other sums."""
        self.metrics |= other.metrics
        for name, added in other.values.items():
            values = self.values.setdefault(name, {})
            for key, value in added.items():
                values[key] = values.get(key, 0.0) + value

    def collected(self) -> Iterable[Metric]:
        for name, (documentation, kind) in self.metrics.items():
            metric = Metric(name, documentation, kind)
            metric.samples = [
                Sample(sample, dict(labels), value)
                for (sample, labels), value in self.values[name].items()
            ]
            yield metric


@dataclass(eq=False)
class Reporter:
    """A connected process and its last report."""

    connection: Connection
    latest: bytes = b""
    is_pending: bool = False


class Gatherer(Collector):
    """Accepts processes at a unix socket in `folder`, which only its owner can open."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.address = str(folder / SOCKET)
        Path(self.address).unlink(missing_ok=True)
        self._listener = Listener(self.address, "AF_UNIX", backlog=64)
        self._changed = threading.Condition()
        self._reporters: set[Reporter] = set()
        self._ended = Sums()
        self._is_closing = False
        self._thread = threading.Thread(target=self._accept, daemon=True, name="metrics gatherer")
        self._thread.start()

    def close(self) -> None:
        """Stop accepting, and remove the socket."""
        self._is_closing = True
        with contextlib.suppress(OSError):
            Client(self.address, "AF_UNIX").close()  # wakes the thread
        self._thread.join()
        self._listener.close()

    def collect(self) -> Iterable[Metric]:
        """Return the sums over all processes, ended ones included."""
        with self._changed:
            for reporter in self._reporters:
                if not reporter.is_pending:  # one request at a time
                    reporter.is_pending = True
                    with contextlib.suppress(OSError):
                        reporter.connection.send_bytes(b"?")
            self._changed.wait_for(
                lambda: not any(each.is_pending for each in self._reporters), ANSWER_SECONDS
            )
            sums = Sums()
            sums.merge(self._ended)
            for reporter in self._reporters:
                sums.add(reporter.latest)
        return sums.collected()

    def _accept(self) -> None:
        while not self._is_closing:
            try:
                reporter = Reporter(self._listener.accept())
            except OSError:  # for example, no file descriptor is left
                log.warning("metrics of a process are not gathered")
                time.sleep(PAUSE_SECONDS)
                continue
            with self._changed:
                self._reporters.add(reporter)
            threading.Thread(target=self._listen_to, args=(reporter,), daemon=True).start()

    def _listen_to(self, reporter: Reporter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                report = reporter.connection.recv_bytes(LARGEST_REPORT)
                with self._changed:
                    reporter.latest, reporter.is_pending = report, False
                    self._changed.notify_all()
        with self._changed:
            reporter.connection.close()
            self._reporters.discard(reporter)
            self._ended.add(reporter.latest)
            self._changed.notify_all()


@contextlib.contextmanager
def served(address: str, port: int, *, folder: Path) -> Iterator[None]:
    """Serve `GET /metrics` of the processes that this one starts, within the context.

    `folder` is for the socket. Raises OSError if the port is not available.
    """
    registry = CollectorRegistry()
    server, _ = start_http_server(port, addr=address, registry=registry)
    try:
        with contextlib.closing(Gatherer(folder)) as gatherer:
            registry.register(gatherer)
            os.environ[ADDRESS] = gatherer.address
            yield
    finally:
        server.shutdown()
        server.server_close()
        with contextlib.suppress(OSError):
            folder.rmdir()  # unless others have sockets there
