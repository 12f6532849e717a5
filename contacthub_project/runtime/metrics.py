"""Prometheus metrics of this process; `metrics_gathering` sums them over all processes.

Values are kept in memory: prometheus_client's multiprocess mode uses memory-mapped files, which end
the process by SIGBUS when the disk is full.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from contacthub_project.runtime import metrics_gathering

# Of counters and histograms only, which may be summed.
REGISTRY = CollectorRegistry()
disable_created_metrics()
REQUEST_SECONDS = Histogram(
    "contacthub_request_seconds",
    "Time to answer a request, by operation, method and status",
    ["route", "method", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
DROPPED_EVENTS = Counter(
    "contacthub_dropped_events",
    "Waiting events that were dropped when their customer appeared, by reason",
    ["reason"],
    registry=REGISTRY,
)
REFUSED_DATA = Counter(
    "contacthub_refused_data",
    "Customers and events that were refused, by whose they were, type of event and reason",
    ["workspace", "source", "entity", "type", "reason"],
    registry=REGISTRY,
)
REFUSED = Counter(
    "contacthub_refused_requests",
    "Requests answered 503 because too many others came, by class of work and what was used up",
    ["work_class", "reason"],
    registry=REGISTRY,
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_children: dict[tuple[str, str, int], Any] = {}
_lock = threading.Lock()


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count one request; `route` is a path template, so that there are few labels."""
    key = (route, method if method in _METHODS else "OTHER", status)
    child = _children.get(key)
    if child is None:
        with _lock:
            child = _children[key] = REQUEST_SECONDS.labels(key[0], key[1], str(key[2]))
        report_to_gatherer()
    child.observe(seconds)


def count_dropped_events(by_reason: Mapping[str, int]) -> None:
    """Count waiting events that were refused when their customer appeared."""
    for reason, count in by_reason.items():
        DROPPED_EVENTS.labels(reason).inc(count)
        report_to_gatherer()


def count_refused_data(
    workspace: str, source: str, entity: str, event_type: str, reason: str, count: int
) -> None:
    """Count customers or events that were refused."""
    REFUSED_DATA.labels(workspace, source, entity, event_type, reason).inc(count)
    report_to_gatherer()


def count_refused(work_class: str, reason: str) -> None:
    """Count a request that was refused because of a limit; `reason` is the limit."""
    REFUSED.labels(work_class, reason).inc()
    report_to_gatherer()


_is_reporting = False


def report_to_gatherer() -> None:
    """Report the metrics of this process, if a parent process gathers them."""
    global _is_reporting
    address = os.environ.get(metrics_gathering.ADDRESS)
    if address and not _is_reporting:
        _is_reporting = True
        metrics_gathering.report(address, REGISTRY)


def _begin_anew() -> None:
    """Reset the metrics in a forked child.

    Its threads do not run, and the counts are the parent's.
    """
    global _is_reporting
    _is_reporting = False
    _children.clear()
    REQUEST_SECONDS.clear()
    DROPPED_EVENTS.clear()
    REFUSED.clear()
    REFUSED_DATA.clear()


os.register_at_fork(after_in_child=_begin_anew)
