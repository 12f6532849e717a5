"""What waits for the evaluation of segments."""

from __future__ import annotations

from uuid import UUID

from contacthub_project.db.gauges import MOST
from customers.queries.waiting import last_offset_given
from segments.models import Follower, PendingCustomer


def changes_to_evaluate(workspace_id: UUID) -> int:
    """Return how many changes and customers the segments are behind."""
    follower = Follower.objects.filter(workspace_id=workspace_id).first()
    if follower is None:
        return 0
    behind = max(last_offset_given(workspace_id) - follower.feed_offset, 0)
    return behind + PendingCustomer.objects.filter(workspace_id=workspace_id)[:MOST].count()
