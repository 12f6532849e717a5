"""The interface for what waits in a workspace: each app registers how much of its work is left."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

MOST = 10_000  # nothing is counted further than this

Gauge = Callable[[UUID], int]  # what waits in a workspace

_gauges: dict[str, Gauge] = {}


def register(name: str, gauge: Gauge) -> None:
    """Add a gauge; called while Django starts."""
    _gauges[name] = gauge


def read(workspace_id: UUID) -> dict[str, int]:
    """Return what waits in a workspace, by the name of the gauge."""
    return {name: gauge(workspace_id) for name, gauge in _gauges.items()}
