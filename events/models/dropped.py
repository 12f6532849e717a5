"""Counts of waiting events that were dropped instead of attached to their customer."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, Sum

from configuration.models import Workspace
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import BoundedQuerySet
from events.domain.admission import RefusalReason


class DroppedEventsQuerySet(BoundedQuerySet["DroppedEvents"]):
    """Counts of dropped events."""

    def totals_since(self, workspace_id: UUID, day: date) -> list[dict[str, Any]]:
        """Return the number dropped since a day (`total`), by `type` and `reason`, most first."""
        rows = self.filter(workspace_id=workspace_id, day__gte=day)
        totals = rows.values("type", "reason").annotate(total=Sum("count"))
        return [dict(each) for each in totals.order_by("-total", "type", "reason")]


class DroppedEvents(TenantModel):
    """A count; rows are only added, so that writers do not wait, and merged by a task.

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
            TenantPrimaryKey(name="dropped_events_key"),
            models.CheckConstraint(
                condition=Q(reason__in=[reason.value for reason in RefusalReason]),
                name="dropped_events_reason_known",
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="dropped_events_counted"),
        ]
        # For the operations page, and the task that merges rows.
        indexes = [models.Index(fields=["workspace", "day"], name="dropped_events_by_day")]

    def __str__(self) -> str:
        return f"{self.count} {self.type}: {self.reason}"
