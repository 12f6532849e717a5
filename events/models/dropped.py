"""How many waiting events were dropped instead of attached to their customer, and why."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, Sum

from configuration.models import Workspace
from contacthub_project.db.querysets import BoundedQuerySet
from events.domain.admission import RefusalReason


class DroppedEventsQuerySet(BoundedQuerySet["DroppedEvents"]):
    """Counts of dropped events."""

    def totals_since(self, workspace_id: UUID, day: date) -> list[dict[str, Any]]:
        """By `type` and `reason`, how many were dropped from a day on (`total`), most first."""
        rows = self.filter(workspace_id=workspace_id, day__gte=day)
        totals = rows.values("type", "reason").annotate(total=Sum("count"))
        return [dict(each) for each in totals.order_by("-total", "type", "reason")]


class DroppedEvents(models.Model):
    """Rows are only added, so that writers never wait for each other; a task sums them up.

    `day` is one of UTC.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="dropped_events", db_index=False
    )
    node_id = models.UUIDField()
    type = models.CharField(max_length=32)
    reason = models.CharField(
        max_length=24, choices=[(reason.value, reason.value) for reason in RefusalReason]
    )
    day = models.DateField()
    count = models.BigIntegerField()

    objects = DroppedEventsQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reason__in=[reason.value for reason in RefusalReason]),
                name="dropped_events_reason_known",
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="dropped_events_counted"),
        ]
        # The operations page; the task that sums up.
        indexes = [models.Index(fields=["workspace", "day"], name="dropped_events_by_day")]

    def __str__(self) -> str:
        return f"{self.count} {self.type}: {self.reason}"
