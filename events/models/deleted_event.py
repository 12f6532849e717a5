"""Events of deleted customers, kept until these are restored or erased."""

from __future__ import annotations

from django.db import models

from contacthub_project.db.querysets import TenantQuerySet
from customers.models.deleted_row import DeletedRow


class DeletedEvent(DeletedRow):
    """An event moved aside: `row` is the row of `Event`, by columns."""

    type = models.CharField(max_length=32)
    date = models.DateTimeField()
    row = models.JSONField()

    objects = TenantQuerySet["DeletedEvent"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "customer_id"], name="deleted_event_customer"),
            # What the purge looks for, as among events.
            models.Index(
                fields=["workspace_id", "node_id", "type", "date"], name="deleted_event_expiry"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
