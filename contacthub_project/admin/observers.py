"""What the audit log owes a person: to be forgotten there too."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from configuration.models import StaffChange
from customers.observers import CustomerObserver


class AuditObserver(CustomerObserver):
    """Registered with `customers.observers`. What staff did stays on record."""

    def customer_forgotten(
        self, *, workspace_id: UUID, customer_id: UUID, known_by: Collection[str] = ()
    ) -> None:
        """Keep that something was done, and nothing of the person."""
        StaffChange.objects.forget(customer_id)
