"""What waits in a workspace's change feed and its consumers."""

from __future__ import annotations

from uuid import UUID

from contacthub_project.db.gauges import MOST
from customers.models import Change, Feed, PendingMerge, Webhook, WebhookState


def pending_merges(workspace_id: UUID) -> int:
    """Return how many aggregate customers are to be merged."""
    return PendingMerge.objects.filter(workspace_id=workspace_id)[:MOST].count()


def changes_without_offset(workspace_id: UUID) -> int:
    """Return how many changes have no offset yet."""
    changes = Change.objects.filter(workspace_id=workspace_id, feed_offset=None)
    return changes[:MOST].count()


def last_offset_given(workspace_id: UUID) -> int:
    """Return the greatest offset of the workspace's feed, 0 before the first."""
    feed = Feed.objects.filter(workspace_id=workspace_id).first()
    return feed.last_offset if feed is not None else 0


def changes_to_deliver(workspace_id: UUID) -> int:
    """Return how far the active webhook that is furthest behind is behind the feed."""
    webhooks = Webhook.objects.filter(workspace_id=workspace_id, state=WebhookState.ACTIVE)
    first = webhooks.order_by("delivered_offset").first()
    if first is None:
        return 0
    return max(last_offset_given(workspace_id) - first.delivered_offset, 0)
