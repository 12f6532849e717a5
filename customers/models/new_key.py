"""Keys by which customers are to be recognised when a node's policy changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from uuid import UUID


class NewKeyQuerySet(models.QuerySet["NewKey"]):
    """Keys that customers will have when their node is re-keyed."""

    def of_node(self, workspace_id: UUID, node_id: UUID) -> NewKeyQuerySet:
        """The new keys of a node's customers."""
        return self.filter(workspace_id=workspace_id, node_id=node_id)


class NewKey(models.Model):
    """Kept only while the node is being re-keyed; null for those who lack a value."""

    customer_id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    match_key = models.BinaryField(max_length=32, null=True)

    objects = NewKeyQuerySet.as_manager()

    class Meta:
        indexes = [
            # The next customers to be written.
            models.Index(fields=["node_id", "customer_id"], name="new_keys_in_order"),
            # Those who would be one person.
            models.Index(fields=["node_id", "match_key"], name="new_keys_by_key"),
        ]

    def __str__(self) -> str:
        return str(self.customer_id)
