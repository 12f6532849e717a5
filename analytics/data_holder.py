"""What counters owe a node or workspace that goes: to go after everything they counted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from analytics.models import Counter, Delta, Ledger, Presence


class CounterDataHolder:
    """Registered with `contacthub_project.data_holders`.

    A node's counters come down to nothing by themselves, with the rows that they count.
    """

    order = 30
    holds_events = False

    def erase_node_batch(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Nothing: what is counted here follows the rows."""
        return 0

    def erase_workspace_batch(self, *, workspace_id: UUID, limit: int) -> int:
        """Delete the counters of a workspace that is no more."""
        for model in (Delta, Counter, Presence, Ledger):
            model.objects.filter(workspace_id=workspace_id).delete()
        return 0

    def has_values(self, *, workspace_id: UUID, section: str, name: str) -> bool:
        """Counters hold no values."""
        return False

    def count_up_to(self, *, node_id: UUID, most: int) -> int:
        """Nothing that would keep a node from being deleted."""
        return 0

    def rekey_node(self, *, workspace_id: UUID, node_id: UUID, policy: Any) -> list[list[str]]:
        """Counters know nothing of matching."""
        return []

    def start_building(self, *, workspace_id: UUID, node_id: UUID) -> None:
        """Nothing to fill: counters follow the members."""

    def build_batch(self, *, workspace_id: UUID, node_id: UUID) -> bool:
        """Nothing to fill."""
        return True
