"""Entry customers that stand for a person of an aggregate node because somebody has said so."""

from __future__ import annotations

from django.db import models

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.querysets import TenantQuerySet


class AggregatePin(models.Model):
    """The key under which an entry customer stands in an aggregate node, whatever its values say.

    `is_apart`: the key is the customer's alone, so it is a person of its own.
    """

    pk = models.CompositePrimaryKey("workspace_id", "node_id", "customer_id")
    workspace_id = models.UUIDField()
    id = models.UUIDField(default=new_id, editable=False)
    node_id = models.UUIDField()
    customer_id = models.UUIDField()
    match_key = models.BinaryField(max_length=32)
    is_apart = models.BooleanField(default=False)
    pinned_at = models.DateTimeField()
    pinned_by = models.CharField(max_length=64, null=True)

    objects = TenantQuerySet["AggregatePin"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["workspace_id", "customer_id"], name="aggregate_pins_of")]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.node_id}"
