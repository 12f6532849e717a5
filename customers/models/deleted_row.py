"""The base of tables that keep rows of deleted customers."""

from __future__ import annotations

from django.db import models


class DeletedRow(models.Model):
    """A row of a deleted customer, moved aside until the customer is restored or erased.

    It has no foreign keys: the customer's row stays, and other customers may use its unique values.
    """

    pk = models.CompositePrimaryKey("workspace_id", "id")
    workspace_id = models.UUIDField()
    id = models.UUIDField()
    node_id = models.UUIDField()
    customer_id = models.UUIDField()

    class Meta:
        abstract = True
