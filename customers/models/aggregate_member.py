"""The entry customers of aggregate customers, and the queue of pending merges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from contacthub_project.db.keys import (
    TenantForeignKey,
    TenantForeignKeyConstraint,
    TenantModel,
    TenantPrimaryKey,
)
from contacthub_project.db.querysets import BoundedQuerySet, TenantQuerySet
from customers.models.customer import Customer

if TYPE_CHECKING:
    from uuid import UUID


class AggregateMemberQuerySet(BoundedQuerySet["AggregateMember"]):
    """Members of aggregate customers."""

    def of_aggregate(self, workspace_id: UUID, customer_id: UUID) -> AggregateMemberQuerySet:
        """Return the members of an aggregate customer."""
        return self.filter(workspace_id=workspace_id, aggregate_id=customer_id)


class AggregateMember(TenantModel):
    """An entry customer's membership in an aggregate customer: one in each aggregate node at most.

    `match_key` is its key in the aggregate node; `changed_at` is its last change that the aggregate
    node has merged.
    """

    workspace_id = models.UUIDField()
    aggregate_node_id = models.UUIDField()
    match_key = models.BinaryField(max_length=32)
    changed_at = models.DateTimeField()
    aggregate = TenantForeignKey(
        Customer, on_delete=models.DO_NOTHING, related_name="members", null=True
    )
    entry = TenantForeignKey(
        Customer, on_delete=models.DO_NOTHING, related_name="memberships", db_index=False
    )

    objects = AggregateMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="member_key"),
            TenantForeignKeyConstraint(
                field="entry_id", to="customers.Customer", name="member_entry"
            ),
            TenantForeignKeyConstraint(
                field="aggregate_id", to="customers.Customer", name="member_aggregate"
            ),
            models.UniqueConstraint(
                fields=["workspace_id", "entry", "aggregate_node_id"],
                name="member_once_in_aggregate_node",
            ),
        ]
        indexes = [
            # The members of a person in an aggregate node, the latest changed first.
            models.Index(
                F("aggregate_node_id"), F("match_key"), F("changed_at").desc(), F("entry").desc(),
                name="members_of_person",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.entry_id} in {self.aggregate_id}"


class PendingMerge(TenantModel):
    """An aggregate customer to merge again, written in the transaction of the change.

    Either of an entry customer, or of a person (node and key) whose member was removed.
    """

    workspace_id = models.UUIDField()
    entry_id = models.UUIDField(null=True)
    aggregate_node_id = models.UUIDField(null=True)
    match_key = models.BinaryField(max_length=32, null=True)

    class Meta:
        constraints = [
            TenantPrimaryKey(name="pending_merge_key"),
            models.CheckConstraint(
                condition=Q(entry_id__isnull=False) | Q(match_key__isnull=False),
                name="pending_merge_of_something",
            ),
        ]
        indexes = [models.Index(fields=["workspace_id", "id"], name="pending_merges_in_order")]

    def __str__(self) -> str:
        return f"{self.entry_id or self.aggregate_node_id}"


class AggregateBuild(TenantModel):
    """The progress of building an aggregate node: the position among its entry customers."""

    node_id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField()
    position = models.UUIDField(null=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()

    objects = TenantQuerySet["AggregateBuild"].as_manager()

    class Meta:
        constraints = [TenantPrimaryKey(name="aggregate_build_key")]

    def __str__(self) -> str:
        return f"{self.node_id}: {self.done} of {self.total}"
