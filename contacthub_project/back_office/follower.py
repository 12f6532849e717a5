"""What the audit log owes a person: to be forgotten there too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from configuration.models import StaffChange


class AuditFollower:
    """Registered with `customers.followers`."""

    def customer_deleted(self, *, workspace_id: UUID, customer_id: UUID) -> None:
        """What staff did stays on record."""

    def customer_forgotten(
        self, *, workspace_id: UUID, customer_id: UUID, known_by: Collection[str] = ()
    ) -> None:
        """Keep that something was done, and nothing of the person."""
        StaffChange.objects.forget(customer_id)

    def identities_appeared(
        self, *, workspace_id: UUID, node_id: UUID, identities: Sequence[tuple[UUID, str, str]]
    ) -> None:
        """Nothing here waits for anybody."""

    def exported(self, *, workspace_id: UUID, customer_id: UUID) -> Iterator[tuple[str, Any]]:
        """What staff did is theirs."""
        return iter(())
