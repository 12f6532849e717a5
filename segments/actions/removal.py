"""Removes segments with their members, histories and due evaluations."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import F

from contacthub_project.db.sql import fetch_one, fetch_value, load
from segments.models import FeedCursor, Segment, SegmentState

ROWS_AT_ONCE = 10_000
# What names customers, the members first, and what does not.
OF_CUSTOMERS = (
    "segments_member", "segments_dueevaluation", "segments_listedcustomer",
    "segments_membershipchange",
)  # fmt: skip
OTHERS = ("segments_sizeofday",)

REMOVE_ROWS = {
    table: load("segments/sql/remove_rows_of_segment", table=table)
    for table in (*OF_CUSTOMERS, *OTHERS)
}
INSERT_CURSOR = """
INSERT INTO segments_feedcursor (workspace_id, feed_offset, configuration_version)
SELECT %s, coalesce((SELECT last_offset FROM customers_feed WHERE workspace_id = %s), 0), 0
ON CONFLICT (workspace_id) DO NOTHING RETURNING workspace_id
"""
LOCK_CURSOR = (
    "SELECT feed_offset FROM segments_feedcursor WHERE workspace_id = %s FOR NO KEY UPDATE"
)


def lock_feed_cursor(workspace_id: UUID) -> None:
    """Lock the workspace's feed cursor until the transaction ends; creates it if there is none."""
    if fetch_one(LOCK_CURSOR, [workspace_id]) is None:
        fetch_one(INSERT_CURSOR, [workspace_id, workspace_id])
        fetch_one(LOCK_CURSOR, [workspace_id])


def segments_changed(workspace_id: UUID) -> None:
    """Request a check of the workspace's definitions; the caller has locked the cursor."""
    FeedCursor.objects.filter(workspace_id=workspace_id).update(configuration_version=0)


def remove_batch(workspace_id: UUID, *, limit: int = ROWS_AT_ONCE) -> bool:
    """Remove some of what is kept of a deleted segment; whether there was one.

    The caller has locked the workspace's feed cursor, which is deleted with the last segment.
    """
    segment = Segment.objects.in_workspace(workspace_id).filter(state=SegmentState.REMOVED).first()
    if segment is None:
        return False
    if not _remove_rows(segment, (*OF_CUSTOMERS, *OTHERS), limit):
        segment.delete()
        if not Segment.objects.in_workspace(workspace_id).exists():
            FeedCursor.objects.filter(workspace_id=workspace_id).delete()
    return True


@transaction.atomic
def remove_of_node(workspace_id: UUID, node_id: UUID, *, is_removed: bool, limit: int) -> int:
    """Remove some of what segments of a node keep of its customers; how many rows went.

    The segments themselves stay unless the node `is_removed`.
    """
    lock_feed_cursor(workspace_id)
    segments = Segment.objects.in_workspace(workspace_id).filter(node_id=node_id)
    for segment in segments.order_by("id"):
        if is_removed:
            removed = _remove_rows(segment, (*OF_CUSTOMERS, *OTHERS), limit)
            if not removed:
                segment.delete()
                removed = 1
        else:
            removed = _remove_rows(segment, OF_CUSTOMERS, limit)
        if removed:
            return removed
    return 0


@transaction.atomic
def remove_of_workspace(workspace_id: UUID, *, limit: int) -> int:
    """Remove some of what is kept of a workspace's segments; how many rows went."""
    segment = Segment.objects.in_workspace(workspace_id).first()
    if segment is None:
        return 0
    removed = _remove_rows(segment, (*OF_CUSTOMERS, *OTHERS), limit)
    if not removed:
        segment.delete()
    return removed or 1


def _remove_rows(segment: Segment, tables: tuple[str, ...], limit: int) -> int:
    """Remove at most so many rows of a segment, of the first table that has some."""
    of_segment = {"workspace_id": segment.workspace_id, "segment_id": segment.id, "limit": limit}
    for table in tables:
        removed: int = fetch_value(REMOVE_ROWS[table], of_segment, prepare=False)
        if removed and table == "segments_member":
            same = Segment.objects.in_workspace(segment.workspace_id).filter(id=segment.id)
            same.update(size=F("size") - removed)
        if removed:
            return removed
    return 0
