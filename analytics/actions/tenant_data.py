"""What counters owe a node or workspace that goes: to go after everything they counted."""

from __future__ import annotations

from uuid import UUID

from analytics.models import Counter, Delta, Ledger, Presence
from contacthub_project.db.tenant_data import TenantDataOwner


class CounterDataOwner(TenantDataOwner):
    """Registered with `contacthub_project.db.tenant_data`.

    A node's counters come down to nothing by themselves, with the rows that they count.
    """

    order = 30

    def erase_workspace_batch(self, *, workspace_id: UUID, limit: int) -> int:
        """Delete the counters of a workspace that is no more."""
        for model in (Delta, Counter, Presence, Ledger):
            model.objects.filter(workspace_id=workspace_id).delete()
        return 0
