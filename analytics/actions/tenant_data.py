"""Removes the counters of deleted workspaces."""

from __future__ import annotations

from uuid import UUID

from analytics.models import Counter, Delta, Ledger, OperationsSample, Presence
from contacthub_project.db.tenant_data import TenantDataOwner


class CounterDataOwner(TenantDataOwner):
    """Registered with `contacthub_project.db.tenant_data`.

    A node's counters become zero with the rows that they count.
    """

    order = 30

    def erase_workspace_batch(self, *, workspace_id: UUID, limit: int) -> int:
        """Delete the counters of a deleted workspace."""
        for model in (Delta, Counter, Presence, Ledger, OperationsSample):
            model.objects.filter(workspace_id=workspace_id).delete()
        return 0
