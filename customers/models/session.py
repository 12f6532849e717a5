"""Sessions of clients, which attach anonymous events to a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import (
    TenantForeignKey,
    TenantForeignKeyConstraint,
    TenantModel,
    TenantPrimaryKey,
)
from customers.models.customer import Customer

if TYPE_CHECKING:
    from uuid import UUID

LONGEST_VALUE = 255


class SessionQuerySet(models.QuerySet["Session"]):
    """Sessions of customers."""

    def of_customer(self, workspace_id: UUID, customer_id: UUID) -> SessionQuerySet:
        """Return the sessions of a customer."""
        return self.filter(workspace_id=workspace_id, customer_id=customer_id)

    def has_one_of(self, workspace_id: UUID, customer_id: UUID, author: str) -> bool:
        """Return whether the customer has a session that `author` has linked."""
        return self.of_customer(workspace_id, customer_id).filter(registered_by=author).exists()


class Session(TenantModel):
    """`value` is the client's and unique in a node; the id is ours.

    `registered_by` is the source or person that has linked it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    customer = TenantForeignKey(Customer, on_delete=models.DO_NOTHING, related_name="sessions")
    value = models.CharField(max_length=LONGEST_VALUE)
    registered_by = models.CharField(max_length=64, null=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            TenantPrimaryKey(name="session_key"),
            TenantForeignKeyConstraint(
                field="customer_id", to="customers.Customer", name="session_of_customer"
            ),
            models.UniqueConstraint(
                fields=["workspace_id", "node_id", "value"], name="session_once_in_node"
            ),
            models.CheckConstraint(condition=~models.Q(value=""), name="session_has_a_value"),
        ]

    def __str__(self) -> str:
        return str(self.id)
