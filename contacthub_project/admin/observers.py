"""What the audit log owes a person: to be forgotten there too."""

from __future__ import annotations

from uuid import UUID

from configuration.models import StaffChange
from customers.observers import CustomerObserver, ForgottenPerson


class AuditObserver(CustomerObserver):
    """Registered with `customers.observers`. What staff did stays on record."""

    def customer_forgotten(
        self, *, workspace_id: UUID, customer_id: UUID, person: ForgottenPerson | None = None
    ) -> None:
        """Keep that something was done, and nothing of the person."""
        StaffChange.objects.forget(customer_id)
