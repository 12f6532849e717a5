"""Removes forgotten customers from the audit log."""

from __future__ import annotations

from uuid import UUID

from configuration.models import StaffChange
from customers.observers import CustomerObserver, ForgottenPerson


class AuditObserver(CustomerObserver):
    """The CustomerObserver of the audit log; entries stay, without personal data."""

    def customer_forgotten(
        self, *, workspace_id: UUID, customer_id: UUID, person: ForgottenPerson | None = None
    ) -> None:
        """Remove the documents of the customer from the log."""
        StaffChange.objects.forget(customer_id)
