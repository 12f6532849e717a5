"""A client's session, by which what was anonymous is found to be a customer's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from contacthub_project.core.identifiers import new_id
from customers.models.customer import Customer

if TYPE_CHECKING:
    from uuid import UUID

LONGEST_VALUE = 255


class SessionQuerySet(models.QuerySet["Session"]):
    """Sessions of customers."""

    def of_customer(self, workspace_id: UUID, customer_id: UUID) -> SessionQuerySet:
        """The sessions of a customer."""
        return self.filter(workspace_id=workspace_id, customer_id=customer_id)

    def has_one_of(self, workspace_id: UUID, customer_id: UUID, author: str) -> bool:
        """Whether the customer has a session that `author` has linked."""
        return self.of_customer(workspace_id, customer_id).filter(registered_by=author).exists()


class Session(models.Model):
    """`value` is the client's and unique in a node; the id is ours.

    `registered_by` names the source or person that has linked it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="sessions")
    value = models.CharField(max_length=LONGEST_VALUE)
    registered_by = models.CharField(max_length=64, null=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["node_id", "value"], name="session_once_in_node"),
            models.CheckConstraint(condition=~models.Q(value=""), name="session_has_a_value"),
        ]

    def __str__(self) -> str:
        return str(self.id)
