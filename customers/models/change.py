"""The change feed: changes of customers and events, and of who is in segments, in commit order."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from contacthub_project.db.keys import TenantModel, TenantPrimaryKey


class ChangeEntity(models.TextChoices):
    """Kinds of entities in the feed."""

    CUSTOMER = "CUSTOMER"
    EVENT = "EVENT"
    SEGMENT = "SEGMENT"  # somebody entered or left a segment


class ChangeOperation(models.TextChoices):
    """Kinds of changes."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class Change(TenantModel):
    """One change. It holds ids only, so that forgotten data cannot come back out of the feed.

    `is_duplicate`: the change of an event in an aggregate node that does not own it; only consumers
    of that node get it.

    `changed_paths`: the dotted paths at which an update changed the customer's document, null when
    they are not known.

    Rows are written in the transaction of the change, without an offset. A reader gives offsets to
    committed rows (docs/decisions/0006-change-feed.md).
    """

    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    entity = models.CharField(max_length=8, choices=ChangeEntity.choices)
    entity_id = models.UUIDField()
    operation = models.CharField(max_length=8, choices=ChangeOperation.choices)
    feed_offset = models.BigIntegerField(null=True)
    changed_at = models.DateTimeField()
    is_duplicate = models.BooleanField(db_default=False)
    changed_paths = ArrayField(models.TextField(), null=True)

    class Meta:
        constraints = [
            TenantPrimaryKey(name="change_key"),
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
            # Rows without an offset, in insertion order.
            models.Index(
                fields=["workspace_id", "id"],
                condition=Q(feed_offset__isnull=True),
                name="change_without_offset",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.entity} {self.entity_id}"
