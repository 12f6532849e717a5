"""Removes the segments of nodes and workspaces."""

from __future__ import annotations

from uuid import UUID

from configuration.models import Node
from contacthub_project.db.tenant_data import TenantDataOwner
from segments.actions.removal import remove_of_node, remove_of_workspace
from segments.models import FeedCursor, PendingCustomer, Segment


class SegmentDataOwner(TenantDataOwner):
    """Registered with `contacthub_project.db.tenant_data`."""

    order = 15

    def erase_node_batch(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Delete the node's segments; of a node that is only emptied, their members and lists."""
        if not Segment.objects.in_workspace(workspace_id).filter(node_id=node_id).exists():
            return 0
        stays = Node.objects.in_workspace(workspace_id).filter(id=node_id).exists()
        return remove_of_node(workspace_id, node_id, is_removed=not stays, limit=limit)

    def erase_workspace_batch(self, *, workspace_id: UUID, limit: int) -> int:
        """Delete what is left of the workspace's segments."""
        removed = remove_of_workspace(workspace_id, limit=limit)
        if removed:
            return removed
        FeedCursor.objects.filter(workspace_id=workspace_id).delete()
        pending = PendingCustomer.objects.filter(workspace_id=workspace_id)
        ids = list(pending.values_list("id", flat=True)[:limit])
        gone: int = pending.filter(id__in=ids).delete()[0]
        return gone
