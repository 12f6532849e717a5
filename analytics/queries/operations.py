"""What waits to be counted, and the recent history of operations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from analytics.models import Delta, OperationsSample
from contacthub_project.db.gauges import MOST


def deltas_to_fold(workspace_id: UUID) -> int:
    """Return how many changes are to be counted."""
    return Delta.objects.filter(workspace_id=workspace_id)[:MOST].count()


def samples_since(workspace_id: UUID, moment: datetime) -> list[OperationsSample]:
    """Return a workspace's samples from a moment on, in order."""
    samples = OperationsSample.objects.in_workspace(workspace_id)
    return list(samples.filter(taken_at__gte=moment).order_by("taken_at"))
