"""New matching keys of customers, while a node's policy changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from contacthub_project.db.keys import TenantModel, TenantPrimaryKey

if TYPE_CHECKING:
    from uuid import UUID


class NewKeyQuerySet(models.QuerySet["NewKey"]):
    """Keys that customers will have when their node is re-keyed."""

    def of_node(self, workspace_id: UUID, node_id: UUID) -> NewKeyQuerySet:
        """Return the new keys of a node's customers."""
        return self.filter(workspace_id=workspace_id, node_id=node_id)


class NewKey(TenantModel):
    """A new key, kept only while the node is rekeyed; null for those without a value."""

    customer_id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    match_key = models.BinaryField(max_length=32, null=True)
    # Those of the rules after the first: the rule's number and the key in hexadecimal.
    further_keys = models.JSONField(default=list)

    objects = NewKeyQuerySet.as_manager()

    class Meta:
        constraints = [TenantPrimaryKey(name="new_key_key")]
        indexes = [
            # The next customers to write.
            models.Index(fields=["node_id", "customer_id"], name="new_keys_in_order"),
            # Customers that would share a key.
            models.Index(fields=["node_id", "match_key"], name="new_keys_by_key"),
        ]

    def __str__(self) -> str:
        return str(self.customer_id)
