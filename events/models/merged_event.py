"""Former customers of events of merged customers."""

from __future__ import annotations

from django.db import models

from contacthub_project.db.querysets import TenantQuerySet


class MergedEvent(models.Model):
    """An event that a merge moved to a survivor, or that was sent for `customer_id` after it.

    Kept as long as the journal of the merge; ids only.
    """

    pk = models.CompositePrimaryKey("workspace_id", "merge_id", "event_id")
    workspace_id = models.UUIDField()
    merge_id = models.UUIDField()
    event_id = models.UUIDField()
    node_id = models.UUIDField()
    customer_id = models.UUIDField()
    came_later = models.BooleanField(default=False)

    objects = TenantQuerySet["MergedEvent"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["workspace_id", "node_id"], name="merged_events_of_node")]

    def __str__(self) -> str:
        return str(self.event_id)
