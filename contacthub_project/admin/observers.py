"""Removes forgotten customers from the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from configuration.models import StaffChange
from customers.observers import CustomerObserver, ForgottenPerson, Holdings

TABLE = StaffChange._meta.db_table


class AuditObserver(CustomerObserver):
    """The CustomerObserver of the audit log; entries stay, without personal data."""

    def customers_forgotten(
        self, *, workspace_id: UUID, people: Sequence[ForgottenPerson], on_request: bool
    ) -> Holdings:
        """Remove the documents of the customers from the log."""
        holdings = Holdings()
        ids = [person.customer_id for person in people]
        holdings.tables[TABLE] = StaffChange.objects.forget(ids)
        return holdings

    def aggregates_ended(self, *, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
        """Remove the documents of the copies from the log."""
        StaffChange.objects.forget(customer_ids)

    def holdings(self, *, workspace_id: UUID, person: ForgottenPerson) -> Holdings:
        """Count the entries that hold documents of the customer."""
        holdings = Holdings()
        entries = StaffChange.objects.with_documents_of([person.customer_id])
        holdings.tables[TABLE] = entries.count()
        return holdings
