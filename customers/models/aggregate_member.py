"""Which entry customers an aggregate customer is made of, and what is still to be merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from contacthub_project.db.querysets import BoundedQuerySet, TenantQuerySet
from customers.models.customer import Customer

if TYPE_CHECKING:
    from uuid import UUID


class AggregateMemberQuerySet(BoundedQuerySet["AggregateMember"]):
    """Members of aggregate customers."""

    def of_aggregate(self, workspace_id: UUID, customer_id: UUID) -> AggregateMemberQuerySet:
        """The members of an aggregate customer."""
        return self.filter(workspace_id=workspace_id, aggregate_id=customer_id)


class AggregateMember(models.Model):
    """An entry customer stands for one aggregate customer in each aggregate node at most.

    `match_key` is the key by which the aggregate node recognises it; `changed_at` is when it was
    changed last, as far as the aggregate node has followed.
    """

    workspace_id = models.UUIDField()
    aggregate_node_id = models.UUIDField()
    match_key = models.BinaryField(max_length=32)
    changed_at = models.DateTimeField()
    aggregate = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="members", null=True
    )
    entry = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )

    objects = AggregateMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "aggregate_node_id"], name="member_once_in_aggregate_node"
            ),
        ]
        indexes = [
            # The members of a person in an aggregate node, those changed last first.
            models.Index(
                F("aggregate_node_id"), F("match_key"), F("changed_at").desc(), F("entry"),
                name="members_of_person",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.entry_id} in {self.aggregate_id}"


class PendingMerge(models.Model):
    """Written in the transaction of a change: aggregates have to follow.

    Either of an entry customer, or of a person (node and key) whose member is gone altogether.
    """

    workspace_id = models.UUIDField()
    entry_id = models.UUIDField(null=True)
    aggregate_node_id = models.UUIDField(null=True)
    match_key = models.BinaryField(max_length=32, null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(entry_id__isnull=False) | Q(match_key__isnull=False),
                name="pending_merge_of_something",
            ),
        ]
        indexes = [models.Index(fields=["workspace_id", "id"], name="pending_merges_in_order")]

    def __str__(self) -> str:
        return f"{self.entry_id or self.aggregate_node_id}"


class AggregateBuild(models.Model):
    """An aggregate node that is being built: which entry customers have been looked at."""

    node_id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField()
    position = models.UUIDField(null=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()

    objects = TenantQuerySet["AggregateBuild"].as_manager()

    def __str__(self) -> str:
        return f"{self.node_id}: {self.done} of {self.total}"
