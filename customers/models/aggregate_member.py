"""Which entry customers an aggregate customer is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from customers.models.customer import Customer

if TYPE_CHECKING:
    from uuid import UUID


class AggregateMemberQuerySet(models.QuerySet["AggregateMember"]):
    def of_aggregate(self, workspace_id: UUID, customer_id: UUID) -> AggregateMemberQuerySet:
        """The members of an aggregate customer."""
        return self.filter(workspace_id=workspace_id, aggregate_id=customer_id)

    def count_up_to(self, most: int) -> int:
        """How many there are, without looking at more than `most` of them."""
        return self.order_by()[:most].count()


class AggregateMember(models.Model):
    """An entry customer stands for one aggregate customer in each aggregate node at most."""

    workspace_id = models.UUIDField()
    aggregate_node_id = models.UUIDField()
    aggregate = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="members")
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

    def __str__(self) -> str:
        return f"{self.entry_id} in {self.aggregate_id}"
