"""The change feed: what happened to customers and events, in the order of its commits."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class ChangeEntity(models.TextChoices):
    """Kinds of entities whose changes stand in the feed."""

    CUSTOMER = "CUSTOMER"
    EVENT = "EVENT"


class ChangeOperation(models.TextChoices):
    """What a change did to an entity."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class Change(models.Model):
    """One change. Ids only: what has been forgotten cannot come back out of the feed.

    `is_duplicate`: of an event that the node, an aggregate one, shows and another has. Only who
    follows that node is told.

    Rows are written in the transaction of the change, without an offset. A reader gives offsets to
    the rows that are committed (docs/decisions/0006-change-feed.md).
    """

    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    entity = models.CharField(max_length=8, choices=ChangeEntity.choices)
    entity_id = models.UUIDField()
    operation = models.CharField(max_length=8, choices=ChangeOperation.choices)
    feed_offset = models.BigIntegerField(null=True)
    changed_at = models.DateTimeField()
    is_duplicate = models.BooleanField(db_default=False)

    class Meta:
        constraints = [
            # Reading from an offset on.
            models.UniqueConstraint(
                fields=["workspace_id", "feed_offset"],
                condition=Q(feed_offset__isnull=False),
                name="change_offset_once",
            ),
            models.CheckConstraint(
                condition=Q(entity__in=ChangeEntity.values), name="change_entity_known"
            ),
            models.CheckConstraint(
                condition=Q(operation__in=ChangeOperation.values), name="change_operation_known"
            ),
        ]
        indexes = [
            # The changes of one node, from an offset on.
            models.Index(
                fields=["workspace_id", "node_id", "feed_offset"],
                condition=Q(feed_offset__isnull=False),
                name="change_of_node",
            ),
            # The rows that have no offset yet, in insertion order.
            models.Index(
                fields=["workspace_id", "id"],
                condition=Q(feed_offset__isnull=True),
                name="change_without_offset",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.entity} {self.entity_id}"
