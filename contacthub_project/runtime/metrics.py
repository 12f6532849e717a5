"""Prometheus metrics, gathered over all processes and served at an address of their own."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, multiprocess, start_http_server

REQUEST_SECONDS = Histogram(
    "contacthub_request_seconds",
    "Time to answer a request, by operation, method and status",
    ["route", "method", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DROPPED_EVENTS = Counter(
    "contacthub_dropped_events",
    "Waiting events that were dropped when their customer appeared, by reason",
    ["reason"],
)
REFUSED = Counter(
    "contacthub_refused_requests",
    "Requests answered 503 because too many others came, by class of work and what was used up",
    ["work_class", "reason"],
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_children: dict[tuple[str, str, int], Any] = {}
_lock = threading.Lock()


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request; `route` is a path template, so that labels stay few."""
    key = (route, method if method in _METHODS else "OTHER", status)
    child = _children.get(key)
    if child is None:
        with _lock:
            child = _children[key] = REQUEST_SECONDS.labels(key[0], key[1], str(key[2]))
    child.observe(seconds)


def count_dropped_events(by_reason: Mapping[str, int]) -> None:
    """Count waiting events that were refused to their customers."""
    for reason, count in by_reason.items():
        DROPPED_EVENTS.labels(reason).inc(count)


def count_refused(work_class: str, reason: str) -> None:
    """Count a request that found too many others; `reason` is the limit that was reached."""
    REFUSED.labels(work_class, reason).inc()


def gather_in(folder: Path) -> None:
    """Keep the metrics of this process and those it starts in `folder`, emptied first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for leftover in folder.glob("*.db"):
        leftover.unlink(missing_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def serve(address: str, port: int) -> None:
    """Answer `GET /metrics` for all processes, from a thread of this one."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    start_http_server(port, addr=address, registry=registry)
