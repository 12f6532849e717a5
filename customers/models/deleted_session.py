"""Sessions of deleted customers, kept until these are restored or erased."""

from __future__ import annotations

from django.db import models

from contacthub_project.db.querysets import TenantQuerySet
from customers.models.deleted_row import DeletedRow
from customers.models.session import LONGEST_VALUE


class DeletedSession(DeletedRow):
    """A row of `Session` moved aside; meanwhile another customer may use the value."""

    value = models.CharField(max_length=LONGEST_VALUE)
    registered_by = models.CharField(max_length=64, null=True)

    objects = TenantQuerySet["DeletedSession"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "customer_id"], name="deleted_session_customer"),
        ]

    def __str__(self) -> str:
        return str(self.id)
