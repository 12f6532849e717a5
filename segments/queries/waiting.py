"""What waits for the evaluation of segments."""

from __future__ import annotations

from uuid import UUID

from contacthub_project.db.gauges import MOST
from customers.queries.waiting import last_offset_given
from segments.models import FeedCursor, PendingCustomer


def changes_to_evaluate(workspace_id: UUID) -> int:
    """Return how many changes and customers the segments are behind."""
    cursor = FeedCursor.objects.filter(workspace_id=workspace_id).first()
    if cursor is None:
        return 0
    behind = max(last_offset_given(workspace_id) - cursor.feed_offset, 0)
    return behind + PendingCustomer.objects.filter(workspace_id=workspace_id)[:MOST].count()
